import { Badge, Button, Drawer, Group, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Schemas, Touchpoint } from '../api'
import { dateTime, inDots, locale, number } from '../format'
import { useFigures } from '../figures'
import { periodText } from '../periods'
import { readReceipt, type ReportQuery } from '../reports'
import { valueOf } from '../series'
import { useLanguage, useNames } from '../use'
import { ChannelSigns } from './Channel'
import { Go } from './Go'
import { StateBadge } from './StateBadge'
import { Empty, Failed, Loading } from './States'

export interface Cell {
  of: 'touchpoints' | 'conversations'
  figure: string
  at: string[] // dimension:value of its row; of the totals none
  query: ReportQuery
  title: string
}

/** What a figure is made of: the list behind it, down to the single e-mail. */
export function Receipt({ cell, close }: { cell: Cell | null; close: () => void }) {
  const { t } = useTranslation()
  return (
    <Drawer opened={cell !== null} onClose={close} position="right" size="lg" title={cell?.title} closeButtonProps={{ 'aria-label': t('state.close') }}>
      {cell && <List cell={cell} />}
    </Drawer>
  )
}

function List({ cell }: { cell: Cell }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const figures = useFigures()
  const list = useInfiniteQuery({
    queryKey: ['receipt', cell],
    queryFn: ({ pageParam }) => readReceipt(cell.of, { ...cell.query, cell: cell.figure, at: cell.at, limit: 50, cursor: pageParam || undefined }),
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
  })
  if (list.isPending) return <Loading />
  if (list.isError) return <Failed error={list.error} retry={() => void list.refetch()} />
  const first = list.data.pages[0]
  const rows = list.data.pages.flatMap((p) => p.rows)
  return (
    <Stack>
      <Group gap="xs">
        <Text component="div" className="figure">{figures.write(cell.figure, valueOf({ value: first.value }, 'value'))}</Text>
        <Badge variant="light" tt="none">{t('receipt.rows', { count: first.total, n: number(first.total, language) })}</Badge>
      </Group>
      <Text size="sm">{first.definition}</Text>
      <Text size="xs" c="dimmed">{inDots(t('measure.definition', { name: cell.figure, version: first.version }), t('receipt.read', { period: periodText(first, first.tz, locale(language)), time: dateTime(first.as_of, language) }))}</Text>
      {rows.length === 0 ? <Empty title={t('receipt.none')} hint={t('receipt.noneHint')} /> : <div role="list">{rows.map((r) => <Line key={`${r.kind}${r.id}${r.nth ?? 0}`} row={r} figure={cell.figure} />)}</div>}
      {list.hasNextPage && <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t('state.more')}</Button>}
    </Stack>
  )
}

type Identifier = Touchpoint['identifiers'][number]

const identifierOf = (list: Identifier[] | undefined) => (list?.find((i) => i.verified) ?? list?.[0])?.value ?? ''

function Line({ row: r, figure }: { row: Schemas['Receipt']['rows'][number]; figure: string }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const names = useNames()
  const figures = useFigures()
  // Of a share a row is part or not: nobody is resolved at the first contact to 100 %.
  const partOf = (unit: string | undefined, value: number) => (unit === 'share' && (value === 0 || value === 1) ? t(value ? 'receipt.yes' : 'receipt.no') : undefined)
  const c = r.conversation
  const p = r.touchpoint
  const to = r.kind === 'person' ? `/people/${r.id}` : r.kind === 'conversation' ? `/conversations/${r.id}` : p?.conversation ? `/conversations/${p.conversation}` : null
  const said = p ? p.subject?.slice(0, 200) || p.text?.slice(0, 200) || names.kind(p.kind) : c ? c.opening?.subject || c.opening?.text || c.topic || t('conversation.noText') : ''
  const who = p ? (p.actor.type === 'customer' && p.actor.name) || identifierOf(p.identifiers) : c ? c.opening?.name || identifierOf(c.opening?.identifiers) || t('conversation.somebody') : t('person.title')
  const when = p?.time ?? c?.first
  const inside = (
    <>
      <Group gap="sm" wrap="nowrap" miw={0}>
        <ChannelSigns channels={p ? [p.channel] : (c?.channels ?? [])} most={3} />
        <Stack gap={0} miw={0}>
          <Text size="sm" fw={600} className="line">{who}</Text>
          {said && <Text size="sm" c="dimmed" className="line">{said}</Text>}
          <Text size="xs" c="dimmed" className="line">{inDots(when ? dateTime(when, language) : r.id.slice(0, 8), c && inDots(c.topic, c.team, c.agent))}</Text>
        </Stack>
      </Group>
      <Stack gap={2} align="flex-end">
        {r.value !== null && <Text size="sm" className="numbers">{partOf(figures.unit(figure), r.value) ?? figures.write(figure, r.value)}</Text>}
        {c && <StateBadge state={c.state} />}
        {r.touchpoints !== undefined && <Text size="xs" c="dimmed">{t('conversation.touchpoints', { count: r.touchpoints, n: number(r.touchpoints, language) })}</Text>}
      </Stack>
    </>
  )
  return <div role="listitem">{to ? <Go className="row" to={to}>{inside}</Go> : <div className="row">{inside}</div>}</div>
}
