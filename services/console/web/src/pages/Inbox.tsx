import { Box, Button, Paper, SegmentedControl, Select, Text } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, must } from '../api'
import { type Choice, followed, moved } from '../choice'
import { duration, number } from '../format'
import { ChannelFilter, Filter, Filters, ValueFilter } from '../parts/Filters'
import { Row } from '../parts/Row'
import { Page } from '../parts/Shell'
import { Clear, Empty, Failed, Loading, Outdated } from '../parts/States'
import { type InboxSearch, type Standing, standings } from '../searches'
import { useLanguage } from '../use'

export function InboxPage() {
  const { t } = useTranslation()
  const language = useLanguage()
  const search = useSearch({ strict: false }) as InboxSearch
  const navigate = useNavigate()
  const set = (change: Partial<InboxSearch>) => void navigate({ to: '/inbox', search: { ...search, ...change }, replace: true })
  const waiting = search.show !== 'all'
  const list = useInfiniteQuery({
    queryKey: ['conversations', search],
    queryFn: ({ pageParam }) =>
      must(
        api.GET('/v1/conversations', {
          params: {
            query: {
              waiting, sort: waiting ? (search.order ?? 'waiting') : 'newest', promise: waiting ? search.promise : undefined, opening: true, limit: 50, queue: waiting && !pageParam && !search.promise?.length ? true : undefined,
              cursor: pageParam || undefined,
              channel: search.channel, team: search.team, agent: search.agent, topic: search.topic,
            },
          },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  })
  const rows = list.data?.pages.flatMap((p) => p.conversations) ?? []
  const queue = list.data?.pages[0].queue
  const ids = rows.map((c) => c.id)
  const [choice, setChoice] = useState<Choice | null>(null)
  const box = useRef<HTMLDivElement>(null)
  const active = followed(ids, choice)
  if (active && active.at !== choice?.at) setChoice(active)
  const move = (by: number) => {
    const to = moved(ids, active, by)
    setChoice(to)
    box.current?.querySelector<HTMLElement>(`[data-id="${to?.id}"]`)?.focus()
  }
  const choose = (id: string | undefined) => id && setChoice(followed(ids, { id, at: 0 }))
  // Rows are links: what has the focus opens by Enter as everywhere, and what was chosen by j and k has the focus.
  useHotkeys([
    ['j', () => move(1)],
    ['k', () => move(-1)],
  ])
  const filtered = Boolean((waiting && search.promise?.length) || search.channel?.length || search.team?.length || search.agent?.length || search.topic?.length)
  return (
    <Page
      title={t('menu.inbox')}
      aside={
        <SegmentedControl
          aria-label={t('inbox.show')}
          value={waiting ? 'waiting' : 'all'}
          onChange={(v) => set({ show: v === 'all' ? 'all' : undefined })}
          data={[
            { value: 'waiting', label: t('inbox.waiting') },
            { value: 'all', label: t('inbox.all') },
          ]}
        />
      }
    >
      <Box mb="sm">
        <Filters set={[search.channel, search.team, search.agent, search.topic, waiting && search.promise, waiting && search.order].filter(Boolean).length}>
          {waiting && (
            <Select aria-label={t('inbox.order')} value={search.order ?? 'waiting'} onChange={(v) => set({ order: v === 'due' ? 'due' : undefined })} allowDeselect={false} w={{ base: '100%', xs: 180 }}
              data={(['waiting', 'due'] as const).map((v) => ({ value: v, label: t(`inbox.orders.${v}`) }))} />
          )}
          {waiting && <Filter label={t('inbox.promise')} value={search.promise} onChange={(v) => set({ promise: v as Standing[] | undefined })} data={standings.map((v) => ({ value: v, label: t(`promise.status.${v}`) }))} />}
          <ChannelFilter value={search.channel} onChange={(channel) => set({ channel })} />
          <ValueFilter dimension="team" value={search.team} onChange={(team) => set({ team })} />
          <ValueFilter dimension="agent" value={search.agent} onChange={(agent) => set({ agent })} />
          <ValueFilter dimension="topic" value={search.topic} onChange={(topic) => set({ topic })} />
        </Filters>
      </Box>
      {list.data && <Outdated of={list} />}
      {list.isPending ? (
        <Loading lines={8} />
      ) : !list.data ? (
        <Failed error={list.error} retry={() => void list.refetch()} />
      ) : rows.length === 0 ? (
        filtered ? (
          <Empty title={t('inbox.noneFiltered')} hint={t('inbox.noneFilteredHint')}>
            <Button variant="default" mt="sm" onClick={() => set({ promise: undefined, channel: undefined, team: undefined, agent: undefined, topic: undefined })}>
              {t('filter.clear')}
            </Button>
          </Empty>
        ) : (
          <Clear title={t('inbox.none')} hint={t('inbox.noneHint')} />
        )
      ) : (
        <>
          {queue && <Text size="sm" c="dimmed" mb="xs">{t('inbox.queue', { count: queue.waiting, n: number(queue.waiting, language), median: duration(queue.p50_ms, language) })}</Text>}
          <Paper withBorder ref={box} role="list" aria-label={t('menu.inbox')} onFocus={(e) => choose(e.target.closest<HTMLElement>('[data-id]')?.dataset.id)}>
            {rows.map((c) => (
              <Row key={c.id} conversation={c} active={c.id === active?.id} />
            ))}
          </Paper>
          {list.hasNextPage && (
            <Button variant="default" mt="md" onClick={() => void list.fetchNextPage()} loading={list.isFetchingNextPage}>
              {t('state.more')}
            </Button>
          )}
          <Text size="xs" c="dimmed" mt="sm" visibleFrom="sm">
            {t('inbox.keys')}
          </Text>
        </>
      )}
    </Page>
  )
}
