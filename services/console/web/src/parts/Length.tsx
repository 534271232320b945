import { Group, Select } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type LengthUnit, lengthUnits, unitOf } from '../format'
import { NumberField } from './NumberField'

interface Props {
  label: string
  seconds: number
  onChange: (seconds: number) => void
  error?: string
}

/** A length of time, as a number of the greatest unit that it is whole in. */
export function Length({ label, seconds, onChange, error }: Props) {
  const { t } = useTranslation()
  const [unit, setUnit] = useState<LengthUnit>(() => unitOf(seconds))
  return (
    <Group gap="xs" align="flex-end" wrap="nowrap">
      <NumberField flex={1} label={label} min={1} allowDecimal={false} value={Math.round(seconds / lengthUnits[unit])} onChange={(v) => onChange(Number(v || 0) * lengthUnits[unit])} error={error} />
      <Select
        w={130} aria-label={t('length.unit')} allowDeselect={false} value={unit} data={(Object.keys(lengthUnits) as LengthUnit[]).map((u) => ({ value: u, label: t(`length.${u}`) }))}
        onChange={(u) => {
          onChange(Math.round(seconds / lengthUnits[unit]) * lengthUnits[u as LengthUnit])
          setUnit(u as LengthUnit)
        }}
      />
    </Group>
  )
}
