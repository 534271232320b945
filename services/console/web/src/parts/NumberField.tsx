import { NumberInput, type NumberInputProps } from '@mantine/core'
import { separators } from '../format'
import { useLanguage } from '../use'

/** A number as the reader's language writes it: one who types 1.234,5 in German means what it says. */
export function NumberField(props: NumberInputProps) {
  const { decimal, thousand } = separators(useLanguage())
  return <NumberInput decimalSeparator={decimal} thousandSeparator={thousand} allowedDecimalSeparators={[decimal]} inputMode={props.allowDecimal === false ? 'numeric' : 'decimal'} {...props} />
}
