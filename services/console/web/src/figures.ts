import { useTranslation } from 'react-i18next'
import { changeText, dateAs, duration, money, number, share } from './format'
import { useLanguage, useMeasures, useNames } from './use'

/** How the figures of reports are called, written and explained: as the one table of measures says it. */
export function useFigures() {
  const measures = useMeasures().data?.measures
  const language = useLanguage()
  const find = (name: string) => measures?.find((m) => m.name === name)
  // Answers per survey sent: the table of measures calls it a number, and people say it in percent.
  const unitOf = (name: string) => (name === 'survey_response_rate' ? 'share' : find(name)?.unit)
  return {
    known: (report: string) => (measures ?? []).filter((m) => m.reports.includes(report)),
    label: (name: string) => find(name)?.label[language] ?? name,
    meaning: (name: string) => find(name)?.meaning[language],
    version: (name: string) => find(name)?.version,
    unit: unitOf,
    change: (name: string, now: number | null, before: number): string => changeText(now, before, unitOf(name), language),
    write: (name: string, value: number | null | undefined): string => {
      switch (unitOf(name)) {
        case 'milliseconds':
          return duration(value, language)
        case 'share':
          return share(value, language)
        case 'euro':
          return money(value, language)
        default:
          return number(value, language)
      }
    },
  }
}

/** What a value of a dimension is called; stretches of time by the clocks of a zone, which is the reader's own where no other is named. */
export function useDimension(tz?: string) {
  const { t } = useTranslation()
  const names = useNames()
  const language = useLanguage()
  const when = (value: string, as: Intl.DateTimeFormatOptions) => dateAs(value, language, { ...as, timeZone: tz })
  return (dimension: string, value: string): string => {
    if (value === '') return t('report.none')
    switch (dimension) {
      case 'channel':
        return names.channel(value)
      case 'kind':
        return names.kind(value)
      case 'direction':
        return t(`direction.${value}`)
      case 'state':
        return t(`conversation.state.${value}`)
      case 'hour':
        return when(value, { dateStyle: 'short', timeStyle: 'short' })
      case 'day':
        return when(value, { weekday: 'short', day: 'numeric', month: 'short' })
      case 'week':
        return when(value, { day: 'numeric', month: 'short' })
      case 'month':
        return when(value, { month: 'short', year: 'numeric' })
    }
    return value
  }
}
