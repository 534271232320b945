import { Anchor, Button, Group, Paper, Stack, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { api, type Conversation, must, type Schemas, type Touchpoint } from '../api'
import { duration, inDots, short } from '../format'
import { Back } from '../parts/Back'
import { ChannelSign } from '../parts/Channel'
import { isBadId, NotHere } from '../parts/NotHere'
import { Said } from '../parts/Said'
import { Page } from '../parts/Shell'
import { StateBadge } from '../parts/StateBadge'
import { Failed, Loading } from '../parts/States'
import { useLanguage, useNames, useNow } from '../use'
import { lasted, runsFrom, type Wait, waitsBefore } from '../waits'
import { Go } from '../parts/Go'
import { Measured } from './Measured'
import { Promised } from './Promised'

export function ConversationPage() {
  const { t } = useTranslation()
  const { id } = useParams({ strict: false }) as { id: string }
  const detail = useInfiniteQuery({
    queryKey: ['conversation', id],
    queryFn: ({ pageParam }) => must(api.GET('/v1/conversations/{id}', { params: { path: { id }, query: { limit: 200, cursor: pageParam || undefined } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
    // What is left of a promise is told by the calendar that it runs by, which only the server knows.
    refetchInterval: ({ state }) => (state.data?.pages.length === 1 && state.data.pages[0].promises.some((p) => p.left_ms !== null) ? 30_000 : false),
  })
  if (detail.isPending) return <Page title={t('conversation.title')}><Loading /></Page>
  if (isBadId(detail.error)) return <NotHere title={t('conversation.title')} />
  if (detail.isError) return <Page title={t('conversation.title')}><Failed error={detail.error} retry={() => void detail.refetch()} /></Page>
  const conversation = detail.data.pages[0].conversation
  const touchpoints = detail.data.pages.flatMap((p) => p.touchpoints)
  const title = touchpoints.find((p) => p.subject)?.subject?.slice(0, 120) || conversation.topic || t('conversation.title')
  return (
    <Page
      title={title}
      aside={<StateBadge state={conversation.state} />}
      back={<Back otherwise="/inbox" />}
    >
      <div className="two">
        <section aria-label={t('conversation.thread')}>
          <Thread touchpoints={touchpoints} conversation={conversation} waits={detail.data.pages[0].waits} promises={detail.data.pages[0].promises} complete={!detail.hasNextPage} />
          {detail.hasNextPage && (
            <Button variant="default" mt="md" loading={detail.isFetchingNextPage} onClick={() => void detail.fetchNextPage()}>
              {t('state.more')}
            </Button>
          )}
        </section>
        <Side conversation={conversation} promises={detail.data.pages[0].promises} customer={touchpoints.find((p) => p.actor.type === 'customer')?.actor.name} />
      </div>
    </Page>
  )
}

interface ThreadProps {
  touchpoints: Touchpoint[]
  conversation: Conversation
  waits: Wait[]
  promises: Schemas['Promise'][]
  complete: boolean
}

function Thread({ touchpoints, conversation, waits, promises, complete }: ThreadProps) {
  const { t } = useTranslation()
  const language = useLanguage()
  const now = useNow()
  const before = waitsBefore(touchpoints, waits)
  // A wait is long where a promise was missed by it: on the wall it may be longer than was promised of business hours.
  const answered = conversation.first_response_ms !== null
  const long = (ms: number, first: boolean) => {
    const promise = promises.find((p) => p.metric === (first ? 'first_response' : 'next_response'))
    return (promise?.status === 'missed' && ms > promise.target_ms) || undefined
  }
  const running = runsFrom(touchpoints, conversation.waiting_since)
  const runs = conversation.waiting_since && (
    <div className="wait" data-long={long(now - Date.parse(conversation.waiting_since), !answered)}>
      {t('conversation.waits', { time: duration(now - Date.parse(conversation.waiting_since), language) })}
    </div>
  )
  return (
    <Stack gap="sm">
      {touchpoints.map((p, i) => (
        <div key={p.key}>
          {before.get(i)?.map((wait) => (
            <div key={wait.from} className="wait" data-long={long(lasted(wait), wait.kind === 'first' || !answered)}>
              {t(wait.kind === 'unheard' ? 'conversation.unheard' : 'conversation.waited', { time: duration(lasted(wait), language) })}
            </div>
          ))}
          <Said touchpoint={p} />
          {i === running && <div className="wait-below">{runs}</div>}
        </div>
      ))}
      {complete && running < 0 && runs}
    </Stack>
  )
}

interface SideProps {
  conversation: Conversation
  promises: Schemas['Promise'][]
  customer?: string
}

function Side({ conversation: c, promises, customer }: SideProps) {
  const { t } = useTranslation()
  const names = useNames()
  return (
    <Stack component="aside" aria-label={t('conversation.about')} gap="md">
      <Paper withBorder p="md">
        <Stack gap="sm">
          <div>
            <Text size="xs" c="dimmed">{t('conversation.customer')}</Text>
            <Anchor component={Go} to={`/people/${c.person}`} fw={600} className="breaks">
              {short(customer ?? '') || t('conversation.openCard')}
            </Anchor>
          </div>
          <div>
            <Text size="xs" c="dimmed">{t('conversation.channels')}</Text>
            <Group gap="4px 12px">
              {c.channels.map((channel) => (
                <Group key={channel} gap={6} wrap="nowrap"><ChannelSign channel={channel} size={22} /><Text size="sm">{names.channel(channel)}</Text></Group>
              ))}
            </Group>
          </div>
          {[c.team, c.agent, c.topic, c.account].some(Boolean) && (
            <Text size="sm" className="breaks">{inDots(c.team, c.agent, c.topic, c.account)}</Text>
          )}
          {c.tags.length > 0 && <Text size="xs" c="dimmed" className="breaks">{c.tags.join(', ')}</Text>}
        </Stack>
      </Paper>
      <Promised promises={promises} />
      <Measured conversation={c} />
    </Stack>
  )
}
