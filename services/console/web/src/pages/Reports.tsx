import { Alert, Anchor, Button, Group, Menu, Paper, SegmentedControl, Select, Stack, Switch, Table, Text, UnstyledButton } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useRouter, useSearch } from '@tanstack/react-router'
import { ArrowDown, ArrowUp, Download, History } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { TFunction } from 'i18next'
import type { Schemas } from '../api'
import { dateTime, inDots, locale, number } from '../format'
import { useDimension, useFigures } from '../figures'
import { Columns, useFigureChoices } from '../parts/Columns'
import { CopyLink } from '../parts/CopyLink'
import { ChannelFilter, Filters, ValueFilter } from '../parts/Filters'
import { Meaning } from '../parts/Meaning'
import { backwards, PeriodFields } from '../parts/PeriodFields'
import { Receipt } from '../parts/Receipt'
import { Scroll } from '../parts/Scroll'
import { Page } from '../parts/Shell'
import { Empty, Failed, Loading } from '../parts/States'
import { daysOf, lastDays, periodText, zone } from '../periods'
import type { ReceiptSearch, ReportSearch, Subject } from '../searches'
import { isBefore, isTime, type ReportRow, stretchOf, valueOf } from '../series'
import { commas, lateFigure, mostRows, readReport, type Report, type ReportQuery, restatedOf, sorted } from '../reports'
import { useLanguage } from '../use'
import { ReportChart } from './ReportChart'

const dimensions: Record<Subject, string[]> = {
  touchpoints: ['day', 'week', 'month', 'hour', 'channel', 'direction', 'kind', 'team', 'agent', 'topic', 'source', 'account', 'tag'],
  conversations: ['day', 'week', 'month', 'hour', 'channel', 'state', 'team', 'agent', 'topic', 'source', 'account', 'tag'],
}
const units = ['touchpoints', 'count'] // figures whose parts make a whole
const columnsAtFirst = 9
const rowsAtFirst = 250 // a browser draws more of them in seconds

type Change = (change: Partial<ReportSearch>, typed?: boolean) => void

/** What the address asks for; whatever makes no sense in it is left out. */
function useAsked(search: ReportSearch) {
  const language = useLanguage()
  const figures = useFigures()
  const of = search.of ?? 'conversations'
  const allowed = dimensions[of]
  const by = search.by && allowed.includes(search.by) ? search.by : 'channel'
  const then = search.then && allowed.includes(search.then) && search.then !== by ? search.then : undefined
  const known = figures.known(of).map((m) => m.name)
  const figure = search.figure && known.includes(search.figure) ? search.figure : of === 'touchpoints' ? 'touchpoints' : 'count'
  const chosen = search.columns?.filter((c) => known.includes(c)) ?? []
  const columns = chosen.length > 0 ? chosen : [figure, ...known.filter((k) => k !== figure)].slice(0, columnsAtFirst)
  const by_ = then ? [by, then] : [by]
  const sort = search.sort && [...by_, ...columns].includes(search.sort.replace(/^-/, '')) ? search.sort : isTime(by) || !units.includes(figure) ? undefined : `-${figure}`
  const tz = search.tz ?? zone()
  const period = search.from || search.to ? { from: search.from, to: search.to } : lastDays(new Date(), search.days ?? 30, tz)
  const filters: ReportQuery = { channel: search.channel, team: search.team, agent: search.agent, topic: search.topic, tz, lang: language }
  const query: ReportQuery = {
    by: by_, ...period, ...filters, limit: 1000, compare: search.compare ? 'previous' : undefined, restated: true,
    // What is cut off is the least of what somebody looks at, and not what comes last in the alphabet.
    order: sort?.startsWith('-') && columns.includes(sort.slice(1)) ? sort.slice(1) : undefined,
  }
  return { of, allowed, by, then, known, figure, columns, sort, tz, period, filters, query, wrong: backwards(period, tz) }
}

export function ReportsPage() {
  const { t } = useTranslation()
  const search = useSearch({ strict: false }) as ReportSearch
  const navigate = useNavigate()
  const router = useRouter()
  const figures = useFigures()
  const asked = useAsked(search)
  const { of, by, then, known, figure, columns, tz, period, query } = asked
  const dimension = useDimension(tz)
  const choices = useFigureChoices(known)
  // What is chosen can be gone back from; what is typed is one step, however many keys it took.
  const set: Change = (change, typed) => void navigate({ to: '/reports', search: { ...search, ...change }, replace: typed ?? false })
  const report = useQuery({
    queryKey: ['report', of, query, columns, figure],
    queryFn: () => readReport(of, { ...query, figures: [...new Set([figure, ...columns])] }),
    enabled: known.length > 0 && !asked.wrong,
    placeholderData: keepPreviousData,
  })
  const download = (format: string) => `/v1/reports/${of}?${commas({ ...query, figures: columns, restated: report.data?.restated || report.data?.previous?.restated ? true : undefined, limit: format === 'csv' ? undefined : mostRows, format })}`
  const { first, last } = daysOf(period, tz)
  const file = [of, by, then, first, last].filter(Boolean).join('_')
  const options = (list: string[]) => list.map((d) => ({ value: d, label: t(`dimension.${d}`) }))
  // An open receipt is a page of its own: it can be sent, and Back closes it. Who closes one that they opened here goes back, too.
  const open = (receipt: ReceiptSearch) => void navigate({ to: '/reports', search: { ...search, receipt }, state: { opened: true } })
  const close = () => (router.state.location.state.opened ? router.history.back() : set({ receipt: undefined }, true))
  const places = (at: string[]) => at.map((place) => dimension(place.slice(0, place.indexOf(':')), place.slice(place.indexOf(':') + 1)))
  const receipt = search.receipt && {
    of, figure: search.receipt.figure, at: search.receipt.at, query: { ...asked.filters, from: search.receipt.from, to: search.receipt.to }, title: [figures.label(search.receipt.figure), ...places(search.receipt.at)].join(' · '),
  }
  return (
    <Page
      title={t('menu.reports')}
      aside={
        <Group gap="xs">
          <CopyLink />
          <Menu>
            <Menu.Target>
              <Button size="xs" variant="default" leftSection={<Download size={14} aria-hidden />}>{t('report.download')}</Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item component="a" href={download('csv')} download={`${file}.csv`}>CSV</Menu.Item>
              <Menu.Item component="a" href={download('json')} download={`${file}.json`}>JSON</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      }
    >
      <Stack gap="sm">
        <Group gap="sm" align="flex-start">
          <SegmentedControl mt={{ base: 0, xs: 25 }} aria-label={t('report.of')} value={of} onChange={(v) => set({ of: v as Subject, figure: undefined, columns: undefined, sort: undefined })} data={(['conversations', 'touchpoints'] as const).map((v) => ({ value: v, label: t(`report.${v}`) }))} />
          <Select label={t('report.by')} value={by} onChange={(v) => set({ by: v ?? undefined })} data={options(asked.allowed)} allowDeselect={false} w={{ base: '47%', xs: 115 }} />
          <Select label={t('report.then')} value={then ?? ''} onChange={(v) => set({ then: v || undefined })} data={[{ value: '', label: t('report.nothing') }, ...options(asked.allowed.filter((d) => d !== by))]} allowDeselect={false} w={{ base: '47%', xs: 135 }} />
          <Select label={t('report.figure')} value={figure} onChange={(v) => set({ figure: v ?? undefined })} data={choices} searchable allowDeselect={false} maxDropdownHeight={340} w={{ base: '100%', xs: 175 }} />
          <PeriodFields search={search} period={period} tz={tz} set={set} />
        </Group>
        <Filters set={[search.channel, search.team, search.agent, search.topic, search.compare, search.columns].filter(Boolean).length}>
          <ChannelFilter value={search.channel} onChange={(channel) => set({ channel })} />
          <ValueFilter dimension="team" value={search.team} onChange={(team) => set({ team })} />
          <ValueFilter dimension="agent" value={search.agent} onChange={(agent) => set({ agent })} />
          <ValueFilter dimension="topic" value={search.topic} onChange={(topic) => set({ topic })} />
          <Columns known={known} value={columns} onChange={(columns) => set({ columns }, true)} />
          <Switch label={t('report.compare')} checked={search.compare ?? false} onChange={(e) => set({ compare: e.currentTarget.checked || undefined })} mb={8} />
        </Filters>
        {tz !== zone() && (
          <Text size="sm">
            {t('report.zone', { zone: tz })}{' '}
            <Anchor component="button" type="button" inherit onClick={() => set({ tz: undefined })}>{t('report.zoneOwn', { zone: zone() })}</Anchor>
          </Text>
        )}
        {asked.wrong ? null : report.isPending ? (
          <Loading lines={8} />
        ) : report.isError ? (
          <Failed error={report.error} retry={() => void report.refetch()} />
        ) : report.data.rows.length === 0 ? (
          <Empty title={t('report.empty')} hint={t('report.emptyHint')} />
        ) : (
          <Result {...asked} report={report.data} compare={search.compare ?? false} set={set} open={open} dimension={dimension} />
        )}
        <Receipt cell={receipt ?? null} close={close} />
      </Stack>
    </Page>
  )
}

interface ResultProps extends ReturnType<typeof useAsked> {
  report: Report
  compare: boolean
  set: Change
  open: (receipt: ReceiptSearch) => void
  dimension: (dimension: string, value: string) => string
}

function Result({ report, of, by, then, figure, columns, sort, tz, query, compare, set, open, dimension }: ResultProps) {
  const { t } = useTranslation()
  const language = useLanguage()
  const figures = useFigures()
  const [all, setAll] = useState(false)
  const dimensionsOf = then ? [by, then] : [by]
  // What was read for another question stays until the answer is there: only what its rows have can be drawn.
  const read = useMemo(() => report.rows.filter((r) => by in r && (!then || then in r)), [report, by, then])
  const rows = useMemo(() => (sort ? sorted(read, sort, dimensionsOf, dimension) : read), [read, sort, language]) // eslint-disable-line
  // The receipt is of the very period that the report was of, to the millisecond, whatever the clock says by now.
  const show = (name: string, row: ReportRow | null) => open({ figure: name, at: row ? dimensionsOf.map((d) => `${d}:${String(row[d] ?? '')}`) : [], from: report.from, to: report.to })
  // A stretch of time that only the period before has is named as it is there.
  const place = (row: ReportRow, d: string) => (row[d] === null ? t('report.onlyBefore', { place: dimension(d, stretchOf(row, d)) }) : dimension(d, stretchOf(row, d)))
  // What came late, of either period: the answer says where it is listed.
  const openLate = (receipt: string) => {
    const late = new URLSearchParams(receipt.split('?')[1])
    open({ figure: lateFigure[of], at: late.getAll('at'), from: late.get('from') ?? undefined, to: late.get('to') ?? undefined })
  }
  return (
    <>
      {report.restated && <Restated restatement={report.restated} rows={[report.totals, ...report.rows]} of={of} openLate={openLate} />}
      {report.previous?.restated && (
        <Restated
          restatement={report.previous.restated} rows={[report.totals, ...report.rows].map((row) => (row.previous ?? {}) as ReportRow)} of={of} openLate={openLate}
          before={{ period: periodText(report.previous, tz, locale(language)) }}
        />
      )}
      <Paper withBorder p="md">
        <ReportChart of={of} query={query} report={report} rows={rows} by={by} then={then} figure={figure} adds={units.includes(figure)} compare={compare} dimension={dimension} set={set} />
      </Paper>
      <Scroll label={t('report.table')} tall>
        <Table striped highlightOnHover stickyHeader className="report-table" miw={160 * (columns.length + 1)}>
          <Table.Thead>
            <Table.Tr>
              {dimensionsOf.map((d) => <Head key={d} column={d} sort={sort} set={set}>{t(`dimension.${d}`)}</Head>)}
              {columns.map((c) => <FigureHead key={c} column={c} sort={sort} set={set} />)}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {(all ? rows : rows.slice(0, rowsAtFirst)).map((row) => (
              <Table.Tr key={dimensionsOf.map((d) => `${row[d] === null} ${stretchOf(row, d)}`).join('\n')}>
                <Table.Th scope="row" fw={500} className="breaks">{place(row, by)}</Table.Th>
                {then && <Table.Td className="breaks">{place(row, then)}</Table.Td>}
                {columns.map((c) => <Cell key={c} name={c} row={row} figures={figures} t={t} compare={compare} open={isBefore(row, dimensionsOf) ? undefined : () => show(c, row)} openLate={openLate} />)}
              </Table.Tr>
            ))}
          </Table.Tbody>
          <Table.Tfoot>
            <Table.Tr>
              <Table.Th scope="row">{t('report.total')}</Table.Th>
              {then && <Table.Td />}
              {columns.map((c) => <Cell key={c} name={c} row={report.totals} figures={figures} t={t} compare={compare} strong open={() => show(c, null)} openLate={openLate} all={report} />)}
            </Table.Tr>
          </Table.Tfoot>
        </Table>
      </Scroll>
      {!all && rows.length > rowsAtFirst && <Button variant="default" size="xs" onClick={() => setAll(true)}>{t('state.all', { count: rows.length })}</Button>}
      <Text size="xs" c="dimmed">
        {t('report.read', { period: periodText(report, tz, locale(language)), zone: tz, time: dateTime(report.as_of, language), shown: number(rows.length, language), groups: number(report.groups, language) })}
        {report.freshness.lag_records ? ` ${t('report.lag', { n: number(report.freshness.lag_records, language) })}` : ''}
      </Text>
    </>
  )
}

interface HeadProps {
  column: string
  sort?: string
  set: Change
  numbers?: boolean
  children: React.ReactNode
}

/** A column's name, which sorts by it: of figures the greatest first, of all else in its own order; once more the other way. */
function Head({ column, sort, set, numbers, children }: HeadProps) {
  const [down, up] = [sort === `-${column}`, sort === column]
  const next = numbers ? (down ? column : `-${column}`) : up ? `-${column}` : column
  const Arrow = up ? ArrowUp : ArrowDown
  return (
    <Table.Th className={numbers ? 'numbers' : undefined} aria-sort={down ? 'descending' : up ? 'ascending' : 'none'}>
      <UnstyledButton className="sorts" fz="inherit" fw="inherit" onClick={() => set({ sort: next }, true)}>
        {children}
        {(down || up) && <Arrow size={14} aria-hidden />}
      </UnstyledButton>
    </Table.Th>
  )
}

function FigureHead({ column, ...rest }: Omit<HeadProps, 'children'>) {
  const { t } = useTranslation()
  const figures = useFigures()
  return (
    <Head {...rest} column={column} numbers>
      <Meaning figure={column}>
        <span>{figures.label(column)}{figures.unit(column) === 'milliseconds' && ` (${t('report.median')})`}</span>
      </Meaning>
    </Head>
  )
}

interface RestatedProps {
  restatement: Schemas['Restatement']
  rows: ReportRow[] // totals included
  of: Subject
  openLate: (receipt: string) => void
  before?: { period: string } // it is the period compared with
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
  figures: ReturnType<typeof useFigures> // of the whole table: thousands of cells would each ask for them
  t: TFunction
  compare: boolean
  strong?: boolean
  open?: () => void // absent: the period has no such cell
  openLate: (receipt: string) => void
  all?: Report // the row is its totals
}

function Cell({ name, row, figures, t, compare, strong, open, openLate, all }: CellProps) {
  const now = valueOf(row, name)
  const previous = row.previous as ReportRow | null | undefined
  const before = compare ? (previous ? valueOf(previous, name) : null) : null
  const write = (v: number | null) => figures.write(name, v)
  const lateOf = (of: ReportRow, restatement?: Schemas['Restatement']) => (all ? restatement?.late && restatement.receipt : (of.late as Schemas['Late'] | undefined)?.receipt) || undefined
  const was = restatedOf(row, name, write)
  const wasBefore = compare && previous ? restatedOf(previous, name, write) : null
  return (
    <Table.Td className="numbers" fw={strong ? 650 : undefined}>
      {now === null ? '–' : !open ? write(now) : <button type="button" className="opens" onClick={open} title={t('receipt.open')}>{write(now)}</button>}
      {was && <Was change={was} receipt={lateOf(row, all?.restated)} openLate={openLate} />}
      {compare && (
        <Text size="xs" c="dimmed" fw={400}>
          {before === null ? t('report.noBefore') : inDots(write(before), figures.change(name, now, before))}
        </Text>
      )}
      {wasBefore && <Was change={wasBefore} receipt={lateOf(previous!, all?.previous?.restated)} openLate={openLate} />}
    </Table.Td>
  )
}

/** What a restated figure was; the receipt is absent where nothing of it came late. */
function Was({ change, receipt, openLate }: { change: { from: string; to: string }; receipt?: string; openLate: (receipt: string) => void }) {
  const { t } = useTranslation()
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
