import { Alert, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { useFigures } from '../figures'
import { number } from '../format'
import { Chart } from '../parts/Chart'
import { Failed, Loading } from '../parts/States'
import { beside, chartBy, mostRows, readReport, type Report, type ReportQuery, rowsBefore } from '../reports'
import type { ReportSearch, Subject } from '../searches'
import { isTime, type ReportRow, type Series, seriesOf } from '../series'
import { useLanguage } from '../use'

interface Props {
  of: Subject
  query: ReportQuery
  report: Report
  rows: ReportRow[] // of the table, in its order
  by: string
  then?: string
  figure: string
  adds: boolean // its parts make a whole
  compare: boolean
  dimension: (dimension: string, value: string) => string
  set: (change: Partial<ReportSearch>) => void
}

/**
 * The picture of a report. Where the table does not have all rows, the picture has rows of its own, by a longer stretch of time if need be: one
 * that ended where the table does would say that nothing happened after that.
 */
export function ReportChart({ of, query, report, rows, by, then, figure, adds, compare, dimension, set }: Props) {
  const { t } = useTranslation()
  const language = useLanguage()
  const figures = useFigures()
  const cut = report.groups > report.rows.length
  const by_ = cut ? chartBy(by, report.groups) : by
  const apart = { ...query, by: then ? [by_, then] : [by_], figures: [figure], limit: mostRows, restated: undefined, order: isTime(by_) ? undefined : figure }
  const own = useQuery({ queryKey: ['chart', of, apart], queryFn: () => readReport(of, apart), enabled: cut, placeholderData: keepPreviousData })
  const all = cut ? own.data?.rows.filter((r) => by_ in r && (!then || then in r)) : rows
  const drawn = useMemo(() => (all ?? []).filter((r) => !isTime(by_) || r[by_] !== null), [report, rows, own.data, by_, then]) // eslint-disable-line
  const series = useMemo(() => {
    const make = (of: ReportRow[]) => seriesOf(of, by_, then, figure, adds, dimension, t('report.others'))
    const now = make(drawn)
    if (!compare) return now
    const named = (s: Series, name: string) => (then ? s : { ...s, parts: s.parts.map((p) => ({ ...p, name })) })
    return beside(named(now, t('report.thisPeriod')), named(make(rowsBefore(drawn, then ? [by_, then] : [by_])), t('report.thisPeriod')), (part) => (then ? t('report.partBefore', { part }) : t('report.periodBefore')))
  }, [drawn, by_, then, figure, compare, language, figures.known(of).length]) // eslint-disable-line
  const format = useMemo(() => (v: number) => figures.write(figure, v), [figure, language, figures.known(of).length]) // eslint-disable-line
  if (cut && own.isPending) return <Loading lines={7} />
  if (cut && own.isError) return <Failed error={own.error} retry={() => void own.refetch()} />
  const missing = cut && own.data ? own.data.groups - own.data.rows.length : 0
  const pick = by === 'channel' || by === 'team' || by === 'agent' || by === 'topic' ? by : null
  return (
    <>
      {by_ !== by && <Text size="sm" mb="xs" role="note">{t('report.chartBy', { by: t(`dimension.${by_}`), wanted: t(`dimension.${by}`), n: number(report.groups, language) })}</Text>}
      {missing > 0 && <Alert color="yellow" mb="xs" role="status">{t('report.chartCut', { shown: number(own.data!.rows.length, language), groups: number(own.data!.groups, language) })}</Alert>}
      <Chart
        series={series} figure={figures.label(figure)} label={t('report.chart', { figure: figures.label(figure), by: t(`dimension.${by_}`) })} format={format}
        onPick={pick ? (i) => set({ [pick]: [String([...new Set(drawn.map((r) => String(r[by] ?? '')))][i])] }) : undefined}
      />
    </>
  )
}
