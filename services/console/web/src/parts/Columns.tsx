import { Button, MultiSelect, Popover } from '@mantine/core'
import { Columns3 } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { useFigures } from '../figures'

const units = ['count', 'share', 'milliseconds', 'euro', 'number', 'points']

/** Figures by what they count, as choices. */
export function useFigureChoices(names: string[]) {
  const { t } = useTranslation()
  const figures = useFigures()
  return units
    .map((unit) => ({ group: t(`report.units.${unit}`), items: names.filter((n) => figures.unit(n) === unit).map((n) => ({ value: n, label: figures.label(n) })) }))
    .filter((g) => g.items.length > 0)
}

interface Props {
  known: string[]
  value: string[]
  onChange: (columns: string[] | undefined) => void
}

/** Which figures are columns of the table. */
export function Columns({ known, value, onChange }: Props) {
  const { t } = useTranslation()
  const choices = useFigureChoices(known)
  return (
    <Popover width={380} position="bottom-start" shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <Button variant="default" size="sm" leftSection={<Columns3 size={14} aria-hidden />}>{t('report.columns', { count: value.length })}</Button>
      </Popover.Target>
      <Popover.Dropdown>
        <MultiSelect
          label={t('report.columnsLabel')} description={t('report.columnsHint')} data={choices} value={value} onChange={(v) => onChange(v.length ? v : undefined)} searchable clearable hidePickedOptions maxValues={20}
          clearButtonProps={{ 'aria-label': t('report.columnsClear') }} comboboxProps={{ withinPortal: false }} data-autofocus
        />
      </Popover.Dropdown>
    </Popover>
  )
}
