import { Anchor, Badge, Group, Text } from '@mantine/core'
import { ArrowDownLeft, ArrowUpRight, StickyNote } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Touchpoint } from '../api'
import { cut, dateTime } from '../format'
import { useLanguage, useNames } from '../use'
import { ChannelSign } from './Channel'
import { Go } from './Go'

const directions = { inbound: ArrowDownLeft, outbound: ArrowUpRight, internal: StickyNote }

/** How much of a text is shown before somebody asks for more: a browser that lays out 100 KB at once stutters. */
const shown = 2000

/** One touchpoint: what was said or done, by whom, through which channel, when. */
export function Said({ touchpoint: p, linked }: { touchpoint: Touchpoint; linked?: boolean }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const names = useNames()
  const [all, setAll] = useState(false)
  const Direction = directions[p.direction]
  const text = p.text ?? ''
  const who = p.actor.name || p.actor.id || t(`actor.${p.actor.type}`)
  return (
    <article className="said" data-direction={p.direction} aria-label={`${names.channel(p.channel)}, ${t(`direction.${p.direction}`)}`}>
      <Group gap="xs" wrap="nowrap" align="center">
        <ChannelSign channel={p.channel} size={24} />
        <Direction size={14} role="img" aria-label={t(`direction.${p.direction}`)} />
        <Text size="sm" fw={600} className="line">
          {who}
        </Text>
        {p.actor.type === 'bot' && (
          <Badge size="xs" variant="light" color="gray" tt="none">
            {t('actor.bot')}
          </Badge>
        )}
        <Text size="xs" c="dimmed" ml="auto" component="time" dateTime={p.time} style={{ whiteSpace: 'nowrap' }}>
          {dateTime(p.time, language)}
        </Text>
      </Group>
      {p.kind !== 'message' && (
        <Text size="sm" mt={4} fw={500}>
          {names.kind(p.kind)}
          {p.rating && ` · ${p.rating.scale.toUpperCase()} ${p.rating.value}`}
        </Text>
      )}
      {p.subject && (
        <Text size="sm" mt={4} fw={600} className="breaks" dir="auto">
          {all ? p.subject : cut(p.subject, shown)}
        </Text>
      )}
      {text && (
        <Text size="sm" mt={4} className="text" dir="auto" tabIndex={text.length > shown ? 0 : undefined}>
          {all ? text : cut(text, shown)}
        </Text>
      )}
      {(text.length > shown || (p.subject?.length ?? 0) > shown) && !all && (
        <Anchor component="button" type="button" size="sm" onClick={() => setAll(true)}>
          {t('touchpoint.more', { count: text.length })}
        </Anchor>
      )}
      <Group gap="xs" mt={4}>
        {p.topic && (
          <Text size="xs" c="dimmed">
            {p.topic}
          </Text>
        )}
        {p.thread.slice(0, 3).map((thread) => (
          <Text key={thread} size="xs" c="dimmed" className="breaks">
            {thread}
          </Text>
        ))}
        {linked && p.conversation && (
          <Anchor size="xs" component={Go} to={`/conversations/${p.conversation}`} ml="auto">
            {t('touchpoint.conversation')}
          </Anchor>
        )}
      </Group>
    </article>
  )
}
