import { Anchor, Badge, Button, Group, Modal, Paper, SimpleGrid, Stack, Tabs, Text, Textarea } from '@mantine/core'
import { useInfiniteQuery, useMutation, useQueries, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, must, type Schemas } from '../api'
import { type Customer, customerQuery } from '../customer'
import { nameOf } from '../evidence'
import { useFocusBack } from '../focus'
import { dateTime, inDots, number, short } from '../format'
import { ChannelSigns } from '../parts/Channel'
import { NodeText, Trust, useTypeName } from '../parts/Identifier'
import { useRule } from '../parts/Rule'
import { useSeen } from '../parts/useSeen'
import { Page } from '../parts/Shell'
import { Empty, Failed, Loading } from '../parts/States'
import type { TabSearch } from '../searches'
import { useLanguage, useMay } from '../use'
import { PreviewOf } from './Preview'
import { EvidenceLine } from './Why'
import { Go } from '../parts/Go'

type Suggestion = Schemas['Suggestions']['suggestions'][number]

export function IdentityPage() {
  const { t } = useTranslation()
  const { tab } = useSearch({ strict: false }) as TabSearch
  const navigate = useNavigate()
  return (
    <Page title={t('menu.identity')}>
      <Tabs value={tab ?? 'suggestions'} onChange={(v) => void navigate({ to: '/identity', search: { tab: v === 'suggestions' ? undefined : (v ?? undefined) }, })} keepMounted={false}>
        <Tabs.List mb="md">
          {(['suggestions', 'refusals', 'shared'] as const).map((v) => <Tabs.Tab key={v} value={v}>{t(`identity.${v}`)}</Tabs.Tab>)}
        </Tabs.List>
        <Tabs.Panel value="suggestions"><Suggestions /></Tabs.Panel>
        <Tabs.Panel value="refusals"><Refusals /></Tabs.Panel>
        <Tabs.Panel value="shared"><Shared /></Tabs.Panel>
      </Tabs>
    </Page>
  )
}

function Suggestions() {
  const { t } = useTranslation()
  const list = useInfiniteQuery({
    queryKey: ['suggestions'],
    queryFn: ({ pageParam }) => must(api.GET('/v1/identity/suggestions', { params: { query: { limit: 20, cursor: pageParam || undefined } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
  })
  const all = list.data?.pages.flatMap((p) => p.suggestions) ?? []
  if (list.isPending) return <Loading />
  if (list.isError) return <Failed error={list.error} retry={() => void list.refetch()} />
  if (all.length === 0) return <Empty title={t('identity.noSuggestions')} hint={t('identity.noSuggestionsHint')} />
  return (
    <Stack>
      <Text c="dimmed">{t('identity.suggestionsLead')}</Text>
      {all.map((s) => <SuggestionCard key={s.id} suggestion={s} />)}
      {list.hasNextPage && <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t('state.more')}</Button>}
    </Stack>
  )
}

type End = Schemas['End']

/** Both ends of a suggestion. Whose they are is asked once it can be seen, and drawn at once: a long list is a handful of questions. */
function SuggestionCard({ suggestion: s }: { suggestion: Suggestion }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const may = useMay('write')
  const typeName = useTypeName()
  const [action, setAction] = useState<'accept' | 'refuse' | null>(null)
  const { ref, seen } = useSeen()
  const [claimant, claimed] = useQueries({
    queries: [
      { ...customerQuery(s.claimant.person), enabled: seen },
      { ...customerQuery(s.claimed.person), enabled: seen && s.known },
    ],
  })
  const failed = claimant.error ?? claimed.error
  const both = claimant.isSuccess && (claimed.isSuccess || !s.known)
  return (
    <Paper ref={ref} withBorder p="md" component="article" aria-label={`${typeName(s.claimant.type)} ${s.claimant.value} – ${typeName(s.claimed.type)} ${s.claimed.value}`}>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Side title={t('identity.claimant')} end={s.claimant} customer={both ? claimant.data : undefined} />
        <Side title={t('identity.claimedTo')} end={s.claimed} customer={both ? (s.known ? claimed.data : null) : undefined} />
      </SimpleGrid>
      {failed && <Failed error={failed} />}
      <Group justify="space-between" mt="sm" gap="sm">
        <Text size="sm" c="dimmed">
          {inDots(
            `${t('identity.claims', { count: s.touchpoints, n: number(s.touchpoints, language) })} ${t('identity.onDays', { count: s.days, n: number(s.days, language) })}`,
            s.others > 0 && t('identity.others', { count: s.others, n: number(s.others, language) }),
            t('identity.last', { time: dateTime(s.last.time, language) }),
          )}
        </Text>
        {may && (
          <Group gap="xs">
            <Button size="xs" onClick={() => setAction('accept')}>{t('identity.accept')}</Button>
            <Button size="xs" variant="default" onClick={() => setAction('refuse')}>{t('identity.refuse')}</Button>
          </Group>
        )}
      </Group>
      {action && <Decide suggestion={s} action={action} close={() => setAction(null)} />}
    </Paper>
  )
}

function Side({ title, end, customer }: { title: string; end: End; customer?: Customer | null }) {
  const { t } = useTranslation()
  const card = customer?.card
  return (
    <Stack gap={6}>
      <Text size="xs" c="dimmed">{title}</Text>
      {customer?.name && <Text fw={650} className="breaks">{short(customer.name)}</Text>}
      <NodeText node={end} />
      {card && (
        <>
          <Group gap="xs">{card.identifiers.slice(0, 4).map((i) => (
            <Group key={i.type + i.value + i.verified} gap={4}><Text size="sm" className="breaks">{i.value}</Text><Trust verified={i.verified} /></Group>
          ))}</Group>
          <ChannelSigns channels={card.channels.map((c) => c.channel)} most={6} />
          <Anchor component={Go} to={`/people/${card.id}`} size="sm">{t('conversation.openCard')}<span className="hidden"> {customer.name || end.value}</span></Anchor>
        </>
      )}
      {customer === null && <Text size="sm" c="dimmed">{t('identity.unknown')}</Text>}
    </Stack>
  )
}

function Decide({ suggestion, action, close }: { suggestion: Suggestion; action: 'accept' | 'refuse'; close: () => void }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [reason, setReason] = useState('')
  useFocusBack()
  // Who accepts makes one customer of two: it is shown as any other merge is.
  const preview = useQuery({
    queryKey: ['suggestion', suggestion.id, 'preview'],
    queryFn: () => must(api.POST('/v1/people/merge', { body: { a: nameOf(suggestion.claimant), b: nameOf(suggestion.claimed), reason: t('correct.previewReason'), preview: true } })),
    enabled: action === 'accept',
    retry: false,
  })
  const decide = useMutation({
    mutationFn: () => must(api.POST('/v1/identity/suggestions/{id}', { params: { path: { id: suggestion.id } }, body: { action, reason: reason.trim() } })),
    onSuccess: async () => {
      close()
      await queries.invalidateQueries()
    },
  })
  return (
    <Modal opened onClose={close} title={t(action === 'accept' ? 'identity.acceptTitle' : 'identity.refuseTitle')} size="lg" closeButtonProps={{ 'aria-label': t('state.close') }}>
      <Stack>
        <Group gap="xs">
          <NodeText node={suggestion.claimant} />
          <Text span c="dimmed" aria-hidden>↔</Text>
          <NodeText node={suggestion.claimed} />
        </Group>
        <Text size="sm">{t(action === 'accept' ? 'identity.acceptLead' : 'identity.refuseLead')}</Text>
        <Textarea label={t('correct.reason')} description={t('correct.reasonHint')} value={reason} onChange={(e) => setReason(e.currentTarget.value)} maxLength={500} autosize minRows={2} required data-autofocus />
        {action === 'accept' && preview.isFetching && <Loading lines={3} />}
        {preview.data && 'before' in preview.data && <PreviewOf preview={preview.data} />}
        {decide.isError && <Failed error={decide.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>{t('state.cancel')}</Button>
          <Button disabled={reason.trim().length < 3} loading={decide.isPending} onClick={() => decide.mutate()}>{t(action === 'accept' ? 'identity.accept' : 'identity.refuse')}</Button>
        </Group>
      </Stack>
    </Modal>
  )
}

function Refusals() {
  const { t } = useTranslation()
  const list = useInfiniteQuery({
    queryKey: ['refusals'],
    queryFn: ({ pageParam }) => must(api.GET('/v1/identity/refusals', { params: { query: { limit: 50, cursor: pageParam || undefined } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
  })
  const all = list.data?.pages.flatMap((p) => p.refusals) ?? []
  if (list.isPending) return <Loading />
  if (list.isError) return <Failed error={list.error} retry={() => void list.refetch()} />
  if (all.length === 0) return <Empty title={t('identity.noRefusals')} hint={t('identity.noRefusalsHint')} />
  return (
    <Stack gap="xs">
      <Text c="dimmed">{t('identity.refusalsLead')}</Text>
      {all.map((e) => <EvidenceLine key={e.id + e.version} evidence={e} />)}
      {list.hasNextPage && <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t('state.more')}</Button>}
    </Stack>
  )
}

function Shared() {
  const { t } = useTranslation()
  const rule = useRule()
  const language = useLanguage()
  const list = useInfiniteQuery({
    queryKey: ['shared'],
    queryFn: ({ pageParam }) => must(api.GET('/v1/identity/shared', { params: { query: { limit: 50, cursor: pageParam || undefined } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
  })
  const all = list.data?.pages.flatMap((p) => p.shared) ?? []
  if (list.isPending) return <Loading />
  if (list.isError) return <Failed error={list.error} retry={() => void list.refetch()} />
  if (all.length === 0) return <Empty title={t('identity.noShared')} hint={t('identity.noSharedHint')} />
  return (
    <Stack gap="xs">
      <Text c="dimmed">{t('identity.sharedLead')}</Text>
      {all.map((s) => (
        <Paper withBorder p="sm" key={s.id + s.version}>
          <Group justify="space-between" gap="xs">
            <NodeText node={s.a} />
            <Badge variant="light" color="grape" tt="none">{t('identity.sharedBy', { count: s.identifiers, n: number(s.identifiers, language) })}</Badge>
          </Group>
          <Text size="xs" c="dimmed" mt={4}>{rule(s.rule)} {inDots(t('identity.undone', { count: s.undone, n: number(s.undone, language) }), dateTime(s.time, language))}</Text>
        </Paper>
      ))}
      {list.hasNextPage && <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t('state.more')}</Button>}
    </Stack>
  )
}
