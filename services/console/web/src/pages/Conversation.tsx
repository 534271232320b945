import { Anchor, Button, Group, Paper, Stack, Table, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { ArrowLeft } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { api, type Conversation, must, type Touchpoint } from '../api'
import { dateTime, duration, number } from '../format'
import { ChannelSigns } from '../parts/Channel'
import { Said } from '../parts/Said'
import { Page } from '../parts/Shell'
import { StateBadge } from '../parts/StateBadge'
import { Failed, Loading } from '../parts/States'
import { useLanguage, useNow, useRegistry } from '../use'
import { waitsBefore } from '../waits'
import { Go } from '../parts/Go'

export function ConversationPage() {
  const { t } = useTranslation()
  const { id } = useParams({ strict: false }) as { id: string }
  const detail = useInfiniteQuery({
    queryKey: ['conversation', id],
    queryFn: ({ pageParam }) => must(api.GET('/v1/conversations/{id}', { params: { path: { id }, query: { limit: 200, cursor: pageParam || undefined } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
  })
  if (detail.isPending) return <Page title={t('conversation.title')}><Loading /></Page>
  if (detail.isError) return <Page title={t('conversation.title')}><Failed error={detail.error} retry={() => void detail.refetch()} /></Page>
  const conversation = detail.data.pages[0].conversation
  const touchpoints = detail.data.pages.flatMap((p) => p.touchpoints)
  const title = touchpoints.find((p) => p.subject)?.subject?.slice(0, 120) || conversation.topic || t('conversation.title')
  return (
    <Page title={title} aside={<StateBadge state={conversation.state} />}>
      <Anchor component={Go} to="/inbox" size="sm">
        <Group gap={4} component="span" display="inline-flex">
          <ArrowLeft size={14} aria-hidden />
          {t('menu.inbox')}
        </Group>
      </Anchor>
      <div className="two">
        <section aria-label={t('conversation.thread')}>
          <Thread touchpoints={touchpoints} conversation={conversation} complete={!detail.hasNextPage} />
          {detail.hasNextPage && (
            <Button variant="default" mt="md" loading={detail.isFetchingNextPage} onClick={() => void detail.fetchNextPage()}>
              {t('state.more')}
            </Button>
          )}
        </section>
        <Side conversation={conversation} customer={touchpoints.find((p) => p.actor.type === 'customer')?.actor.name} />
      </div>
    </Page>
  )
}

function Thread({ touchpoints, conversation, complete }: { touchpoints: Touchpoint[]; conversation: Conversation; complete: boolean }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const now = useNow()
  const registry = useRegistry().data
  const waits = waitsBefore(touchpoints)
  const promised = (channel: string) => (registry?.channels.find((c) => c.name === channel)?.respond_seconds ?? Infinity) * 1000
  const last = touchpoints.at(-1)
  return (
    <Stack gap="sm" mt="sm">
      {touchpoints.map((p, i) => {
        const wait = waits.get(i)
        return (
          <div key={p.key}>
            {wait && (
              <div className="wait" data-long={wait.to - wait.from > promised(p.channel) || undefined}>
                {t('conversation.waited', { time: duration(wait.to - wait.from, language) })}
              </div>
            )}
            <Said touchpoint={p} />
          </div>
        )
      })}
      {complete && conversation.waiting_since && last && (
        <div className="wait" data-long={now - Date.parse(conversation.waiting_since) > promised(last.channel) || undefined}>
          {t('conversation.waits', { time: duration(now - Date.parse(conversation.waiting_since), language) })}
        </div>
      )}
    </Stack>
  )
}

function Side({ conversation: c, customer }: { conversation: Conversation; customer?: string }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const later = c.later_responses_ms
  const rows: [string, string][] = [
    [t('measure.began'), dateTime(c.first, language)],
    [t('measure.last'), dateTime(c.last, language)],
    [t('measure.firstResponse'), duration(c.first_response_ms, language)],
    [t('measure.firstBotResponse'), duration(c.first_bot_response_ms, language)],
    [t('measure.laterResponses'), later.length ? duration(later.reduce((a, b) => a + b, 0) / later.length, language) : '–'],
    [t('measure.longestWait'), c.longest_wait_ms ? duration(c.longest_wait_ms, language) : '–'],
    [t('measure.resolution'), duration(c.resolution_ms, language)],
    [t('measure.contacts'), number(c.contacts, language)],
    [t('measure.touchpoints'), number(c.touchpoints, language)],
    [t('measure.reopenings'), number(c.reopenings, language)],
    [t('measure.handOvers'), number(c.hand_overs, language)],
    [t('measure.channelSwitches'), number(c.channel_switches, language)],
  ]
  if (c.rating) rows.push([t('measure.rating'), `${c.rating.scale.toUpperCase()} ${number(c.rating.value, language)}`])
  return (
    <Paper withBorder p="md" component="aside" aria-label={t('conversation.measures')}>
      <Stack gap="sm">
        <div>
          <Text size="xs" c="dimmed">{t('conversation.customer')}</Text>
          <Anchor component={Go} to={`/people/${c.person}`} fw={600} className="breaks">
            {customer || t('conversation.openCard')}
          </Anchor>
        </div>
        <div>
          <Text size="xs" c="dimmed">{t('conversation.channels')}</Text>
          <ChannelSigns channels={c.channels} most={8} />
        </div>
        {[c.team, c.agent, c.topic, c.account].some(Boolean) && (
          <Text size="sm" className="breaks">{[c.team, c.agent, c.topic, c.account].filter(Boolean).join(' · ')}</Text>
        )}
        <Table verticalSpacing={4} horizontalSpacing={0}>
          <Table.Tbody>
            {rows.map(([name, value]) => (
              <Table.Tr key={name}>
                <Table.Th fw={400} c="dimmed" scope="row">{name}</Table.Th>
                <Table.Td className="numbers">{value}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        {c.tags.length > 0 && <Text size="xs" c="dimmed" className="breaks">{c.tags.join(', ')}</Text>}
      </Stack>
    </Paper>
  )
}
