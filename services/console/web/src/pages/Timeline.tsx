import { Button, SegmentedControl, Stack, Text, TextInput, Title } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, must, type Schemas } from '../api'
import { date } from '../format'
import { Said } from '../parts/Said'
import { Empty, Failed, Loading } from '../parts/States'
import type { PersonSearch } from '../searches'
import { useLanguage, useNames, useRegistry } from '../use'
import { byDay } from '../waits'
import { ChannelFilter, Filter, Filters } from '../parts/Filters'

interface Props {
  id: string
  search: PersonSearch
  set: (change: Partial<PersonSearch>, typed?: boolean) => void
}

/** Everything that happened with a customer, newest first. */
export function Timeline({ id, search, set }: Props) {
  const { t } = useTranslation()
  const language = useLanguage()
  const names = useNames()
  const registry = useRegistry().data
  const [text, setText] = useState(search.q ?? '')
  const ask = useDebouncedCallback((q: string) => set({ q: q || undefined }, true), 300)
  const direction = search.direction as Schemas['Direction'] | undefined
  const timeline = useInfiniteQuery({
    queryKey: ['timeline', id, search.channel, search.kind, direction, search.q, search.at],
    queryFn: ({ pageParam }) =>
      must(
        api.GET('/v1/people/{id}/timeline', {
          params: {
            path: { id },
            query: { limit: 50, cursor: pageParam || undefined, channel: search.channel, kind: search.kind, direction: direction && [direction], q: search.q, as_of: search.at },
          },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  })
  const touchpoints = timeline.data?.pages.flatMap((p) => p.touchpoints) ?? []
  const filtered = Boolean(search.channel || search.kind || direction || search.q)
  return (
    <Stack gap="sm">
      <Filters set={[search.channel, search.kind, direction, search.q].filter(Boolean).length}>
        <TextInput
          aria-label={t('timeline.search')}
          placeholder={t('timeline.search')}
          value={text}
          onChange={(e) => {
            setText(e.currentTarget.value)
            ask(e.currentTarget.value)
          }}
          w={{ base: '100%', xs: 200 }}
          maxLength={1024}
        />
        <ChannelFilter value={search.channel} onChange={(channel) => set({ channel })} />
        <Filter label={t('filter.kind')} value={search.kind} onChange={(kind) => set({ kind })} data={(registry?.kinds ?? []).map((k) => ({ value: k.name, label: names.kind(k.name) }))} />
        <SegmentedControl
          aria-label={t('filter.direction')}
          value={direction ?? 'all'}
          onChange={(v) => set({ direction: v === 'all' ? undefined : v })}
          data={(['all', 'inbound', 'outbound', 'internal'] as const).map((d) => ({ value: d, label: t(d === 'all' ? 'filter.all' : `direction.${d}`) }))}
        />
      </Filters>
      {timeline.isPending ? (
        <Loading />
      ) : timeline.isError ? (
        <Failed error={timeline.error} retry={() => void timeline.refetch()} />
      ) : touchpoints.length === 0 ? (
        <Empty title={t(filtered ? 'timeline.noneFiltered' : 'timeline.none')} hint={t(filtered ? 'timeline.noneFilteredHint' : 'timeline.noneHint')}>
          {filtered && (
            <Button
              variant="default"
              mt="sm"
              onClick={() => {
                setText('')
                set({ channel: undefined, kind: undefined, direction: undefined, q: undefined })
              }}
            >
              {t('filter.clear')}
            </Button>
          )}
        </Empty>
      ) : (
        <>
          {byDay(touchpoints).map((d) => (
            <section key={d.day} aria-label={date(d.touchpoints[0].time, language)}>
              <Title order={2} size="h6" c="dimmed" my="xs">
                {date(d.touchpoints[0].time, language)}
              </Title>
              <Stack gap="xs">
                {d.touchpoints.map((p) => (
                  <Said key={p.key} touchpoint={p} linked />
                ))}
              </Stack>
            </section>
          ))}
          {timeline.hasNextPage ? (
            <Button variant="default" onClick={() => void timeline.fetchNextPage()} loading={timeline.isFetchingNextPage}>
              {t('state.more')}
            </Button>
          ) : (
            <Text size="xs" c="dimmed" ta="center">
              {t('timeline.end')}
            </Text>
          )}
        </>
      )}
    </Stack>
  )
}
