import { Badge, Button, Drawer, Group, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../api'
import { dateTime, inDots, number } from '../format'
import { useFigures } from '../figures'
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
      <Text size="xs" c="dimmed">{t('receipt.read', { version: first.version, time: dateTime(first.as_of, language), from: dateTime(first.from, language), to: dateTime(first.to, language) })}</Text>
      {rows.length === 0 ? <Empty title={t('receipt.none')} hint={t('receipt.noneHint')} /> : <div role="list">{rows.map((r) => <Line key={r.kind + r.id} row={r} figure={cell.figure} />)}</div>}
      {list.hasNextPage && <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t('state.more')}</Button>}
    </Stack>
  )
}

function Line({ row: r, figure }: { row: Schemas['Receipt']['rows'][number]; figure: string }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const names = useNames()
  const figures = useFigures()
  const c = r.conversation
  const p = r.touchpoint
  const to = r.kind === 'person' ? `/people/${r.id}` : r.kind === 'conversation' ? `/conversations/${r.id}` : p?.conversation ? `/conversations/${p.conversation}` : null
  const title = p ? p.subject?.slice(0, 200) || p.text?.slice(0, 200) || names.kind(p.kind) : c ? inDots(c.topic, c.team, c.agent) || t('conversation.title') : t('person.title')
  const when = p?.time ?? c?.first
  const inside = (
    <>
      <Group gap="sm" wrap="nowrap" miw={0}>
        <ChannelSigns channels={p ? [p.channel] : (c?.channels ?? [])} most={3} />
        <Stack gap={0} miw={0}>
          <Text size="sm" fw={500} className="line">{title}</Text>
          <Text size="xs" c="dimmed">{when ? dateTime(when, language) : r.id.slice(0, 8)}</Text>
        </Stack>
      </Group>
      <Stack gap={2} align="flex-end">
        {r.value !== null && <Text size="sm" className="numbers">{figures.write(figure, r.value)}</Text>}
        {c && <StateBadge state={c.state} />}
        {r.touchpoints !== undefined && <Text size="xs" c="dimmed">{t('conversation.touchpoints', { count: r.touchpoints, n: number(r.touchpoints, language) })}</Text>}
      </Stack>
    </>
  )
  return <div role="listitem">{to ? <Go className="row" to={to}>{inside}</Go> : <div className="row">{inside}</div>}</div>
}
