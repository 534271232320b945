import { Badge, Group, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Conversation, Schemas } from '../api'
import { dateTime, duration, inDots } from '../format'
import type { Standing } from '../searches'
import { useLanguage, useNow } from '../use'
import { standingNow } from '../waits'
import { ChannelSigns } from './Channel'
import { Go } from './Go'
import { StateBadge } from './StateBadge'

/** Who it is with. */
function whoOf(c: Conversation): string {
  const o = c.opening
  return o?.name || o?.identifiers.find((i) => i.verified)?.value || o?.identifiers[0]?.value || ''
}

/** A conversation in a list; it opens the conversation. */
export function Row({ conversation: c, active }: { conversation: Conversation; active?: boolean }) {
  const { t } = useTranslation()
  const language = useLanguage()
  return (
    <div role="listitem">
      <Go className="row" to={`/conversations/${c.id}`} data-id={c.id} data-active={active || undefined}>
        <Group gap="sm" wrap="nowrap" miw={0}>
          <ChannelSigns channels={c.channels} most={3} />
          <Stack gap={0} miw={0}>
            <Text className="line" fw={600} size="sm">
              {whoOf(c) || t('conversation.somebody')}
            </Text>
            <Text className="line" size="sm" c="dimmed">
              {c.opening?.subject || c.opening?.text || c.topic || t('conversation.noText')}
            </Text>
          </Stack>
        </Group>
        <Stack gap={2} align="flex-end" miw={0}>
          {c.waiting_since ? <Waiting since={c.waiting_since} promise={c.promise} /> : <StateBadge state={c.state} />}
          <Text size="xs" c="dimmed" visibleFrom="xs" className="line" maw="100%">
            {inDots(c.topic, c.team, c.agent) || t('conversation.touchpoints', { count: c.touchpoints, n: c.touchpoints.toLocaleString(language) })}
          </Text>
        </Stack>
      </Go>
    </div>
  )
}

const colors: Record<Standing, string> = { missed: 'red', at_risk: 'orange', running: 'blue' }

/** For how long somebody has waited, and how the promise of an answer stands; grey where nothing is promised. */
function Waiting({ since, promise }: { since: string; promise?: Schemas['Promise'] }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const now = useNow()
  const stands = promise && standingNow(promise, now)
  const left = promise?.due ? Date.parse(promise.due) - now : null
  return (
    <div className="waits">
      {promise && stands && (
        <Text size="xs" className="promised" c={stands === 'running' ? 'dimmed' : undefined} title={promise.due ? t('inbox.due', { time: dateTime(promise.due, language) }) : undefined}>
          {left === null ? t(`promise.status.${stands}`) : t(`inbox.${stands}`, { time: duration(Math.abs(left), language) })}
        </Text>
      )}
      <Badge color={stands ? colors[stands] : 'gray'} variant="light" tt="none" fw={600} title={t('inbox.waits')}>
        <span className="hidden">{stands && `${t(`promise.status.${stands}`)}, `}{t('inbox.waits')} </span>
        {duration(Math.max(0, now - Date.parse(since)), language)}
      </Badge>
    </div>
  )
}
