import { Alert, Anchor, Button, CopyButton, Group, Menu, Paper, SegmentedControl, Select, Stack, Switch, Table, Text, TextInput, Tooltip } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Download, History, Link2 } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../api'
import { date, dateTime, inDots, number } from '../format'
import { useDimension, useFigures } from '../figures'
import { Chart } from '../parts/Chart'
import { ChannelFilter, Filters, ValueFilter } from '../parts/Filters'
import { type Cell as Opened, Receipt } from '../parts/Receipt'
import { Page } from '../parts/Shell'
import { Empty, Failed, Loading } from '../parts/States'
import { lastDays, zone } from '../periods'
import type { ReportSearch, Subject } from '../searches'
import { isBefore, type ReportRow, seriesOf, stretchOf, valueOf } from '../series'
import { commas, lateFigure, readReport, type Report, type ReportQuery, restatedOf } from '../reports'
import { useLanguage } from '../use'

const dimensions: Record<Subject, string[]> = {
  touchpoints: ['day', 'week', 'month', 'hour', 'channel', 'direction', 'kind', 'team', 'agent', 'topic', 'source', 'account', 'tag'],
  conversations: ['day', 'week', 'month', 'hour', 'channel', 'state', 'team', 'agent', 'topic', 'source', 'account', 'tag'],
}
const units = ['touchpoints', 'count'] // figures whose parts make a whole

export function ReportsPage() {
  const { t } = useTranslation()
  const search = useSearch({ strict: false }) as ReportSearch
  const navigate = useNavigate()
  const language = useLanguage()
  const figures = useFigures()
  const dimension = useDimension()
  const of = search.of ?? 'conversations'
  const allowed = dimensions[of]
  const by = search.by && allowed.includes(search.by) ? search.by : 'channel'
  const then = search.then && allowed.includes(search.then) && search.then !== by ? search.then : undefined
  const known = figures.known(of).map((m) => m.name)
  const figure = search.figure && known.includes(search.figure) ? search.figure : of === 'touchpoints' ? 'touchpoints' : 'count'
  const columns = [figure, ...known.filter((k) => k !== figure)].slice(0, 9)
  const period = search.from || search.to ? { from: search.from, to: search.to } : lastDays(new Date(), search.days ?? 30)
  const query = {
    by: then ? [by, then] : [by], ...period, tz: zone(), channel: search.channel, team: search.team, agent: search.agent, topic: search.topic, limit: 1000,
    compare: search.compare ? ('previous' as const) : undefined, restated: true, lang: language,
  }
  const set = (change: Partial<ReportSearch>) => void navigate({ to: '/reports', search: { ...search, ...change }, replace: true })
  const report = useQuery({
    queryKey: ['report', of, query, columns],
    queryFn: () => readReport(of, { ...query, figures: columns }),
    enabled: known.length > 0,
    placeholderData: keepPreviousData,
  })
  // As CSV it has all rows that there are, with names for people.
  const download = (format: string) => `/v1/reports/${of}?${commas({ ...query, restated: report.data?.restated || report.data?.previous?.restated ? true : undefined, limit: format === 'csv' ? undefined : 10_000, format })}`
  const options = (list: string[]) => list.map((d) => ({ value: d, label: t(`dimension.${d}`) }))
  return (
    <Page
      title={t('menu.reports')}
      aside={
        <Group gap="xs">
          <CopyButton value={window.location.href}>
            {({ copied, copy }) => (
              <Button size="xs" variant="default" leftSection={<Link2 size={14} aria-hidden />} onClick={copy}>{t(copied ? 'report.copied' : 'report.copy')}</Button>
            )}
          </CopyButton>
          <Menu>
            <Menu.Target>
              <Button size="xs" variant="default" leftSection={<Download size={14} aria-hidden />}>{t('report.download')}</Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item component="a" href={download('csv')} download={`${of}.csv`}>CSV</Menu.Item>
              <Menu.Item component="a" href={download('json')} download={`${of}.json`}>JSON</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      }
    >
      <Stack gap="sm">
        <Group gap="sm" align="flex-end">
          <SegmentedControl aria-label={t('report.of')} value={of} onChange={(v) => set({ of: v as Subject, figure: undefined })} data={(['conversations', 'touchpoints'] as const).map((v) => ({ value: v, label: t(`report.${v}`) }))} />
          <Select label={t('report.by')} value={by} onChange={(v) => set({ by: v ?? undefined })} data={options(allowed)} allowDeselect={false} w={{ base: '47%', xs: 115 }} />
          <Select label={t('report.then')} value={then ?? ''} onChange={(v) => set({ then: v || undefined })} data={[{ value: '', label: t('report.nothing') }, ...options(allowed.filter((d) => d !== by))]} allowDeselect={false} w={{ base: '47%', xs: 135 }} />
          <Select label={t('report.figure')} value={figure} onChange={(v) => set({ figure: v ?? undefined })} data={known.map((n) => ({ value: n, label: figures.label(n) }))} allowDeselect={false} w={{ base: '100%', xs: 175 }} />
          <Select label={t('report.period')} value={search.from || search.to ? 'own' : String(search.days ?? 30)} onChange={(v) => v !== 'own' && set({ days: Number(v), from: undefined, to: undefined })}
            data={[...[1, 7, 14, 30, 90, 365].map((d) => ({ value: String(d), label: t('report.days', { count: d }) })), { value: 'own', label: t('report.own'), disabled: !(search.from || search.to) }]} allowDeselect={false} w={{ base: '100%', xs: 150 }} />
          <TextInput type="date" label={t('report.from')} value={(search.from ?? period.from ?? '').slice(0, 10)} onChange={(e) => set({ from: e.currentTarget.value || undefined, to: search.to ?? period.to, days: undefined })} w={{ base: '47%', xs: 132 }} />
          <TextInput type="date" label={t('report.to')} value={(search.to ?? period.to ?? '').slice(0, 10)} onChange={(e) => set({ to: e.currentTarget.value || undefined, from: search.from ?? period.from, days: undefined })} w={{ base: '47%', xs: 132 }} />
        </Group>
        <Filters set={[search.channel, search.team, search.agent, search.topic, search.compare].filter(Boolean).length}>
          <ChannelFilter value={search.channel} onChange={(channel) => set({ channel })} />
          <ValueFilter dimension="team" value={search.team} onChange={(team) => set({ team })} />
          <ValueFilter dimension="agent" value={search.agent} onChange={(agent) => set({ agent })} />
          <ValueFilter dimension="topic" value={search.topic} onChange={(topic) => set({ topic })} />
          <Switch label={t('report.compare')} checked={search.compare ?? false} onChange={(e) => set({ compare: e.currentTarget.checked || undefined })} mb={8} />
        </Filters>
        {report.isPending ? (
          <Loading lines={8} />
        ) : report.isError ? (
          <Failed error={report.error} retry={() => void report.refetch()} />
        ) : report.data.rows.length === 0 ? (
          <Empty title={t('report.empty')} hint={t('report.emptyHint')} />
        ) : (
          <Result report={report.data} of={of} by={by} then={then} figure={figure} columns={columns} compare={search.compare ?? false} set={set} dimension={dimension} filters={{ channel: search.channel, team: search.team, agent: search.agent, topic: search.topic }} />
        )}
      </Stack>
    </Page>
  )
}

interface ResultProps {
  report: Report
  of: Subject
  by: string
  then?: string
  figure: string
  columns: string[]
  compare: boolean
  set: (change: Partial<ReportSearch>) => void
  dimension: (dimension: string, value: string) => string
  filters: ReportQuery
}

function Result({ report, of, by, then, figure, columns, compare, set, dimension, filters }: ResultProps) {
  const [opened, setOpened] = useState<Opened | null>(null)
  const { t } = useTranslation()
  const language = useLanguage()
  const figures = useFigures()
  const dimensionsOf = then ? [by, then] : [by]
  const adds = units.includes(figure)
  const rows = by === 'hour' || by === 'day' || by === 'week' || by === 'month' || !adds ? report.rows : [...report.rows].sort((a, b) => (valueOf(b, figure) ?? 0) - (valueOf(a, figure) ?? 0))
  // What was read for another question stays until the answer is there: only what its rows have can be drawn.
  const drawn = rows.filter((r) => by in r && (!then || then in r))
  const inPeriod = drawn.filter((r) => !isBefore(r, dimensionsOf))
  const series = useMemo(() => seriesOf(inPeriod, by, then, figure, adds, dimension, t('report.others')), [report, by, then, figure, language, figures.known(of).length]) // eslint-disable-line
  const format = useMemo(() => (v: number) => figures.write(figure, v), [figure, language, figures.known(of).length]) // eslint-disable-line
  const pick = by === 'channel' || by === 'team' || by === 'agent' || by === 'topic' ? by : null
  const show = (name: string, at: string[], period: { from?: string; to?: string }) => {
    const places = at.map((place) => dimension(place.slice(0, place.indexOf(':')), place.slice(place.indexOf(':') + 1)))
    setOpened({ of, figure: name, at, query: { ...filters, ...period, tz: zone(), lang: language }, title: [figures.label(name), ...places].join(' · ') })
  }
  // The receipt is of the very period that the report was of, to the millisecond, whatever the clock says by now.
  const open = (name: string, row: ReportRow | null) => show(name, row ? dimensionsOf.map((d) => `${d}:${String(row[d] ?? '')}`) : [], { from: report.from, to: report.to })
  // A stretch of time that only the period before has is named as it is there.
  const place = (row: ReportRow, d: string) => {
    const label = stretchOf(row, d)
    return row[d] === null ? t('report.onlyBefore', { place: dimension(d, label) }) : dimension(d, label)
  }
  // What came late, of either period: the answer says where it is listed.
  const openLate = (receipt: string) => {
    const asked = new URLSearchParams(receipt.split('?')[1])
    show(lateFigure[of], asked.getAll('at'), { from: asked.get('from') ?? undefined, to: asked.get('to') ?? undefined })
  }
  return (
    <>
      <Receipt cell={opened} close={() => setOpened(null)} />
      {report.restated && <Restated restatement={report.restated} rows={[report.totals, ...report.rows]} of={of} openLate={openLate} />}
      {report.previous?.restated && (
        <Restated
          restatement={report.previous.restated} rows={[report.totals, ...report.rows].map((row) => (row.previous ?? {}) as ReportRow)} of={of} openLate={openLate}
          before={{ from: date(report.previous.from, language), to: dateTime(report.previous.to, language) }}
        />
      )}
      <Paper withBorder p="md">
        <Chart series={series} label={t('report.chart', { figure: figures.label(figure), by: t(`dimension.${by}`) })} format={format} onPick={pick ? (i) => set({ [pick]: [String([...new Set(inPeriod.map((r) => String(r[by] ?? '')))][i])] }) : undefined} />
      </Paper>
      <Paper withBorder className="scroll" tabIndex={0} role="region" aria-label={t('report.table')}>
        <Table striped highlightOnHover miw={160 * (columns.length + 1)}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t(`dimension.${by}`)}</Table.Th>
              {then && <Table.Th>{t(`dimension.${then}`)}</Table.Th>}
              {columns.map((c) => (
                <Table.Th key={c} className="numbers">
                  <Tooltip label={figures.meaning(c)} multiline w={300} disabled={!figures.meaning(c)} events={{ hover: true, focus: true, touch: true }}>
                    <Text span inherit tabIndex={0}>{figures.label(c)}{figures.unit(c) === 'milliseconds' && ` (${t('report.median')})`}</Text>
                  </Tooltip>
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {drawn.map((row, i) => (
              <Table.Tr key={i}>
                <Table.Th scope="row" fw={500} className="breaks">{place(row, by)}</Table.Th>
                {then && <Table.Td className="breaks">{place(row, then)}</Table.Td>}
                {columns.map((c) => <Cell key={c} name={c} row={row} compare={compare} open={isBefore(row, dimensionsOf) ? undefined : () => open(c, row)} openLate={openLate} />)}
              </Table.Tr>
            ))}
          </Table.Tbody>
          <Table.Tfoot>
            <Table.Tr>
              <Table.Th scope="row">{t('report.total')}</Table.Th>
              {then && <Table.Td />}
              {columns.map((c) => <Cell key={c} name={c} row={report.totals} compare={compare} strong open={() => open(c, null)} openLate={openLate} all={report} />)}
            </Table.Tr>
          </Table.Tfoot>
        </Table>
      </Paper>
      <Text size="xs" c="dimmed">
        {t('report.read', { from: date(report.from, language), to: dateTime(report.to, language), time: dateTime(report.as_of, language), shown: number(drawn.length, language), groups: number(report.groups, language) })}
        {report.freshness.lag_records ? ` ${t('report.lag', { n: number(report.freshness.lag_records, language) })}` : ''}
      </Text>
    </>
  )
}

interface RestatedProps {
  restatement: Schemas['Restatement']
  rows: ReportRow[] // totals included
  of: Subject
  openLate: (receipt: string) => void
  before?: { from: string; to: string } // it is the period compared with
}

/** That figures of a closed period are others than they were, and what came late. */
function Restated({ restatement, rows, of, openLate, before }: RestatedProps) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { late, closed, compared, receipt } = restatement
  const changed = rows.some((row) => Object.keys(row.restated ?? {}).length > 0)
  if (late === 0 && !changed) return null
  return (
    <Alert color="yellow" icon={<History size={18} aria-hidden />} title={before ? t('restated.titleBefore', before) : t('restated.title')} role="status">
      <Text size="sm">
        {t(late > 0 ? `restated.${of}` : 'restated.people', { count: late, n: number(late, language), closed: dateTime(closed, language) })} {!compared && t('restated.uncompared')}
      </Text>
      {late > 0 && <Button mt="xs" size="xs" variant="default" onClick={() => openLate(receipt)}>{t('restated.show')}</Button>}
    </Alert>
  )
}

interface CellProps {
  name: string
  row: ReportRow
  compare: boolean
  strong?: boolean
  open?: () => void // absent: the period has no such cell
  openLate: (receipt: string) => void
  all?: Report // the row is its totals
}

function Cell({ name, row, compare, strong, open, openLate, all }: CellProps) {
  const { t } = useTranslation()
  const figures = useFigures()
  const now = valueOf(row, name)
  const previous = row.previous as ReportRow | null | undefined
  const before = compare ? (previous ? valueOf(previous, name) : null) : null
  const write = (v: number | null) => figures.write(name, v)
  const lateOf = (of: ReportRow, restatement?: Schemas['Restatement']) => (all ? restatement?.late && restatement.receipt : (of.late as Schemas['Late'] | undefined)?.receipt) || undefined
  return (
    <Table.Td className="numbers" fw={strong ? 650 : undefined}>
      {now === null || !open ? (
        write(now)
      ) : (
        <Anchor component="button" type="button" c="inherit" inherit onClick={open} title={t('receipt.open')}>
          {write(now)}
        </Anchor>
      )}
      <Was change={restatedOf(row, name, write)} receipt={lateOf(row, all?.restated)} openLate={openLate} />
      {compare && (
        <Text size="xs" c="dimmed" fw={400}>
          {before === null ? t('report.noBefore') : inDots(write(before), figures.change(name, now, before))}
        </Text>
      )}
      {compare && previous && <Was change={restatedOf(previous, name, write)} receipt={lateOf(previous, all?.previous?.restated)} openLate={openLate} />}
    </Table.Td>
  )
}

/** What a restated figure was; the receipt is absent where nothing of it came late. */
function Was({ change, receipt, openLate }: { change: { from: string; to: string } | null; receipt?: string; openLate: (receipt: string) => void }) {
  const { t } = useTranslation()
  if (!change) return null
  return (
    <Text size="xs" c="dimmed" fw={400}>
      {receipt ? (
        <Anchor component="button" type="button" inherit onClick={() => openLate(receipt)} title={t('restated.show')}>{t('restated.cell', change)}</Anchor>
      ) : (
        <span title={t('restated.byPeople')}>{t('restated.cell', change)}</span>
      )}
    </Text>
  )
}
