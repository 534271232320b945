import { Anchor, Group, Paper, SegmentedControl, SimpleGrid, Stack, Table, Text, Title, Tooltip } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useDeferredValue, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { change, dateTime, duration, inDots, number } from '../format'
import { useDimension, useFigures } from '../figures'
import { Chart } from '../parts/Chart'
import { ChannelSign } from '../parts/Channel'
import { Page } from '../parts/Shell'
import { Empty, Failed, Loading, Outdated } from '../parts/States'
import { atLeast, cracksCount, isGood, knownDays, ofHowMany, type Overview, overviewQuery, type Queue, trendDays } from '../overview'
import type { Period } from '../periods'
import { asking } from '../queries'
import { overviewDays, type OverviewSearch } from '../searches'
import { type ReportRow, seriesOf, valueOf } from '../series'
import { sourcesQuery, useLanguage, useMeasures, useNames, useRegistry } from '../use'
import { Row } from '../parts/Row'
import { Go } from '../parts/Go'

export function OverviewPage() {
  const { t } = useTranslation()
  const days = (useSearch({ strict: false }) as OverviewSearch).days ?? 1
  const navigate = useNavigate()
  const overview = useQuery({ ...overviewQuery(days), refetchInterval: 15_000, placeholderData: keepPreviousData })
  const [measures, registry] = [useMeasures(), useRegistry()] // without words, figures would be drawn twice
  return (
    <Page
      title={t('menu.overview')}
      aside={
        <Group gap="sm">
          <Text c="dimmed" size="sm">{t(`overview.compared.${days}`)}</Text>
          <SegmentedControl
            size="xs" aria-label={t('report.period')} value={String(days)} data={overviewDays.map((d) => ({ value: String(d), label: t('report.days', { count: d }) }))}
            onChange={(v) => void navigate({ to: '/', search: v === '1' ? {} : { days: Number(v) }, replace: true })}
          />
        </Group>
      }
    >
      {overview.isPending || measures.isPending || registry.isPending ? (
        <Loading lines={10} />
      ) : !overview.data ? (
        <Failed error={overview.error} retry={() => void overview.refetch()} />
      ) : overview.data.trend.totals.touchpoints === 0 && overview.data.waiting.conversations.length === 0 ? (
        <Quiet days={trendDays(days)} />
      ) : (
        <>
          <Outdated of={overview} />
          <Filled data={overview.data} days={days} />
        </>
      )}
    </Page>
  )
}

/** Nothing has come in for a while: when the newest was says whether anything ever did. */
function Quiet({ days }: { days: number }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const sources = useQuery(sourcesQuery)
  if (sources.isPending) return <Loading lines={3} />
  const newest = sources.data?.sources.map((s) => s.newest).sort().at(-1)
  if (!newest) return <Empty title={t('overview.none')} hint={t('overview.noneHint')} />
  const around = (days: number) => new Date(Date.parse(newest) + days * 86_400_000).toISOString()
  return (
    <Empty title={t('overview.old', { count: days })} hint={t('overview.oldHint', { time: dateTime(newest, language) })}>
      <Anchor component={Go} to="/reports" search={{ of: 'touchpoints', by: 'day', from: around(-27).slice(0, 10), to: around(2).slice(0, 10) }}>{t('overview.openReport')}</Anchor>
    </Empty>
  )
}

function Filled({ data, days }: { data: Overview; days: number }) {
  const { totals: touched } = data.touched
  const { totals: talked } = data.talked
  const { totals: month } = data.month
  const monthBefore = month.previous as ReportRow | null | undefined
  const { totals: talkedBefore } = data.talkedBefore
  const { totals: touchedBefore } = data.touchedBefore
  const rest = useDeferredValue(true, false) // the figures are shown, and keys taken, before the lists below them are drawn
  const figure = (name: string, of: 'touchpoints' | 'conversations', better: 'more' | 'less' | null) => (
    <Figure key={name} name={name} of={of} better={better} row={of === 'touchpoints' ? touched : talked} before={of === 'touchpoints' ? touchedBefore : talkedBefore} period={data.period} weekAgo={days === 1} />
  )
  return (
    <Stack gap="lg">
      <SimpleGrid cols={{ base: 2, sm: 3, xl: 5 }} spacing="sm">
        {figure('touchpoints', 'touchpoints', null)}
        {figure('people', 'touchpoints', null)}
        {figure('count', 'conversations', null)}
        {figure('first_response_ms', 'conversations', 'less')}
        {figure('resolution_ms', 'conversations', 'less')}
        {figure('first_response_kept_share', 'conversations', 'more')}
        <Figure name="fcr_share" of="conversations" better="more" row={month} before={monthBefore ?? {}} days={knownDays} />
        {figure('csat_share', 'conversations', 'more')}
        <Waiting queue={data.waiting.queue} />
        <Cracks />
      </SimpleGrid>
      {rest && <Lists data={data} days={days} />}
    </Stack>
  )
}

/** What stands below the figures: who waits, which channels, and how it went. */
function Lists({ data, days }: { data: Overview; days: number }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const dimension = useDimension()
  const figures = useFigures()
  const trend = useMemo(() => seriesOf(data.trend.rows, 'day', undefined, 'touchpoints', true, dimension, ''), [data.trend, language]) // eslint-disable-line
  const format = useMemo(() => (v: number) => number(v, language), [language])
  return (
    <>
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Paper withBorder p="md" component="section" aria-label={t('overview.waiting')}>
          <Group justify="space-between" mb="xs">
            <Title order={2} size="h4">{t('overview.waiting')}</Title>
            <Anchor component={Go} to="/inbox" size="sm">{t('overview.allWaiting')}</Anchor>
          </Group>
          {data.waiting.conversations.length === 0 ? (
            <Empty title={t('inbox.none')} hint={t('inbox.noneHint')} />
          ) : (
            <div role="list">{data.waiting.conversations.map((c) => <Row key={c.id} conversation={c} />)}</div>
          )}
        </Paper>
        <Channels data={data} days={days} />
      </SimpleGrid>
      <Paper withBorder p="md" component="section" aria-label={t('overview.trend', { count: trendDays(days) })}>
        <Group justify="space-between" mb="xs">
          <Title order={2} size="h4">{t('overview.trend', { count: trendDays(days) })}</Title>
          <Anchor component={Go} to="/reports" search={{ of: 'touchpoints', by: 'day', days: trendDays(days) }} size="sm">{t('overview.openReport')}</Anchor>
        </Group>
        <Chart small series={trend} figure={figures.label('touchpoints')} label={t('overview.trend', { count: trendDays(days) })} format={format} />
      </Paper>
    </>
  )
}

interface FigureProps {
  name: string
  of: 'touchpoints' | 'conversations'
  row: ReportRow
  before: ReportRow
  better: 'more' | 'less' | null
  period?: Period
  days?: number // of a figure of the last days, whatever period is looked at
  weekAgo?: boolean
}

/** One number with what it was a week before, and of how many either is; it opens to the report that it is from. */
function Figure({ name, of, row, before: rowBefore, better, period, days, weekAgo }: FigureProps) {
  const { t } = useTranslation()
  const language = useLanguage()
  const figures = useFigures()
  const [now, before] = [valueOf(row, name), valueOf(rowBefore, name)]
  const [n, nBefore] = [ofHowMany(row, name), ofHowMany(rowBefore, name)]
  const good = isGood(change(now, before), better, n, nBefore)
  const ofN = (count: number | null) => count !== null && t(figures.unit(name) === 'milliseconds' ? 'overview.medianOf' : 'overview.shareOf', { n: number(count, language) })
  return (
    <Tooltip label={figures.meaning(name)} multiline w={300} disabled={!figures.meaning(name)} events={{ hover: true, focus: true, touch: false }}>
      <Paper withBorder p="md" component={Go} to="/reports" search={{ of, by: 'channel', figure: name, ...period, days }} className="tile">
        <Text size="sm" c="dimmed">{figures.label(name)}{days && ` · ${t('overview.ofDays', { count: days })}`}</Text>
        <Text component="div" className="figure">{figures.write(name, now)}</Text>
        {n !== null && <Text size="xs" c="dimmed">{ofN(n)}</Text>}
        <Text size="xs" c={good === null ? 'dimmed' : good ? 'var(--mantine-color-green-light-color)' : 'var(--mantine-color-red-light-color)'}>
          {before === null ? t('overview.noBefore') : inDots(t(weekAgo ? 'overview.before' : 'overview.beforeThat', { value: figures.write(name, before) }) + (nBefore === null ? '' : ` (${t('overview.shareOf', { n: number(nBefore, language) })})`), figures.change(name, now, before))}
        </Text>
      </Paper>
    </Tooltip>
  )
}

/** The queue as it is now, whenever it began; it opens to the list. */
function Waiting({ queue }: { queue: Queue | undefined }) {
  const { t } = useTranslation()
  const figures = useFigures()
  const language = useLanguage()
  return (
    <Paper withBorder p="md" component={Go} to="/inbox" className="tile">
      <Text size="sm" c="dimmed">{figures.label('waiting')}</Text>
      <Text component="div" className="figure">{figures.write('waiting', queue?.waiting ?? null)}</Text>
      <Text size="xs" c="dimmed">{queue?.oldest ? t('overview.longest', { time: duration(queue.p50_ms, language) }) : t('overview.wheneverBegan')}</Text>
    </Paper>
  )
}

/** How much falls through now; it opens to the list. */
function Cracks() {
  const { t } = useTranslation()
  const language = useLanguage()
  const cracks = useQuery({ ...cracksCount({ days: knownDays }), refetchInterval: asking(60_000) })
  const counts: Record<string, number> = cracks.data?.counts ?? {}
  const all = Object.values(counts).reduce((a, b) => a + b, 0)
  const [kind, most] = Object.entries(counts).sort(([, a], [, b]) => b - a)[0] ?? ['', 0]
  const more = cracks.data?.truncated ?? []
  return (
    <Paper withBorder p="md" component={Go} to="/cracks" search={{ days: knownDays }} className="tile">
      <Text size="sm" c="dimmed">{`${t('menu.cracks')} · ${t('overview.ofDays', { count: knownDays })}`}</Text>
      <Text component="div" className="figure">{cracks.data ? atLeast(all, more.length > 0, language) : '–'}</Text>
      <Text size="xs" c="dimmed">{most > 0 ? `${t(`cracks.kinds.${kind}`, { defaultValue: kind })}: ${atLeast(most, more.includes(kind), language)}` : cracks.data ? t('cracks.none') : ''}</Text>
    </Paper>
  )
}

/** How many rows the channels take. */
const mostChannels = 10

function Channels({ data, days }: { data: Overview; days: number }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const names = useNames()
  const counted = (rows: ReportRow[]) => rows.map((r) => ({ channel: String(r.channel), touchpoints: valueOf(r, 'touchpoints') ?? 0 }))
  const before = new Map(counted(data.touchedBefore.rows).map((r) => [r.channel, r.touchpoints]))
  const all = counted(data.touched.rows).sort((a, b) => b.touchpoints - a.touchpoints)
  const rows = all.slice(0, all.length > mostChannels ? mostChannels - 1 : mostChannels)
  const others = all.slice(rows.length)
  const sum = (of: { touchpoints: number }[]) => of.reduce((n, r) => n + r.touchpoints, 0)
  const [shown, restBefore] = [new Set(rows.map((r) => r.channel)), counted(data.touchedBefore.rows)]
  const most = Math.max(1, ...rows.map((r) => r.touchpoints))
  return (
    <Paper withBorder p="md" component="section" aria-label={t('overview.channels')}>
      <Title order={2} size="h4" mb="xs">{t('overview.channels')}</Title>
      {rows.length === 0 ? (
        <Empty title={t('overview.quiet')} hint={t('overview.quietHint')} />
      ) : (
        <Table verticalSpacing={5} horizontalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('channels.channel')}</Table.Th>
              <Table.Th ta="right">{t('report.days', { count: days })}</Table.Th>
              <Table.Th ta="right">{t('overview.then', { count: days })}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((r) => (
              <Table.Tr key={r.channel}>
                <Table.Td w="60%" className="breaks">
                  <Group gap="xs" wrap="nowrap">
                    <ChannelSign channel={r.channel} size={22} />
                    <div style={{ flex: 1, minWidth: 0 }}>
                      <Anchor component={Go} to="/reports" search={{ of: 'touchpoints', by: 'topic', channel: [r.channel], from: data.period.from, to: data.period.to }} size="sm">{names.channel(r.channel)}</Anchor>
                      <div className="bar" style={{ width: `${Math.max(1, (100 * r.touchpoints) / most)}%` }} aria-hidden />
                    </div>
                  </Group>
                </Table.Td>
                <Table.Td className="numbers">{number(r.touchpoints, language)}</Table.Td>
                <Table.Td className="numbers">{number(before.get(r.channel) ?? 0, language)}</Table.Td>
              </Table.Tr>
            ))}
            {others.length > 0 && (
              <Table.Tr>
                <Table.Td><Anchor component={Go} to="/reports" search={{ of: 'touchpoints', by: 'channel', from: data.period.from, to: data.period.to }} size="sm">{t('overview.others', { count: others.length })}</Anchor></Table.Td>
                <Table.Td className="numbers">{number(sum(others), language)}</Table.Td>
                <Table.Td className="numbers">{number(sum(restBefore.filter((r) => !shown.has(r.channel))), language)}</Table.Td>
              </Table.Tr>
            )}
          </Table.Tbody>
        </Table>
      )}
    </Paper>
  )
}
