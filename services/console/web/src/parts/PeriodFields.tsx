import { Select, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { addDays, daysOf, type Period } from '../periods'
import type { ReportSearch } from '../searches'

interface Props {
  search: ReportSearch
  period: Partial<Period>
  tz: string
  set: (change: Partial<ReportSearch>, typed?: boolean) => void
}

const lengths = [1, 7, 14, 30, 90, 365]

/** Whether a period ends before it begins; the fields say so. */
export function backwards(period: Partial<Period>, tz: string): boolean {
  const { first, last } = daysOf(period, tz)
  return first !== undefined && last !== undefined && last < first
}

/** Which days a report is of: the last ones, or from a first to a last day, both included. */
export function PeriodFields({ search, period, tz, set }: Props) {
  const { t } = useTranslation()
  const own = Boolean(search.from || search.to)
  const { first, last } = daysOf(period, tz)
  const days = search.days ?? 30
  const offered = lengths.includes(days) ? lengths : [...lengths, days].sort((a, b) => a - b)
  return (
    <>
      <Select
        label={t('report.period')} value={own ? 'own' : String(days)} allowDeselect={false} w={{ base: '100%', xs: 150 }}
        onChange={(v) => v !== 'own' && set({ days: Number(v), from: undefined, to: undefined })}
        data={[...offered.map((d) => ({ value: String(d), label: t('report.days', { count: d }) })), { value: 'own', label: t('report.own'), disabled: !own }]}
      />
      <DateField label={t('report.from')} value={first ?? ''} onChange={(day) => set({ from: day, to: search.to ?? period.to, days: undefined }, true)} />
      <DateField label={t('report.to')} value={last ?? ''} error={backwards(period, tz) && t('report.backwards')} onChange={(day) => set({ to: addDays(day, 1), from: search.from ?? period.from, days: undefined }, true)} />
    </>
  )
}

interface DateFieldProps {
  label: string
  value: string
  error?: string | false
  onChange: (day: string) => void
}

/** A day. While its year is typed it is one of the first centuries for a moment: that is asked of nobody. */
function DateField({ label, value, error, onChange }: DateFieldProps) {
  const [draft, setDraft] = useState<string | null>(null)
  return (
    <TextInput
      type="date" label={label} value={draft ?? value} min="1970-01-01" max="9999-12-30" error={error} onBlur={() => setDraft(null)} w={{ base: '47%', xs: 138 }}
      onChange={(e) => {
        const day = e.currentTarget.value
        if (day < '1970' || day > '9999-12-30') return setDraft(day)
        setDraft(null)
        onChange(day)
      }}
    />
  )
}
