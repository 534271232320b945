import { Paper, Table, Text, Title, Tooltip } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Conversation } from '../api'
import { useFigures } from '../figures'
import { Meaning } from '../parts/Meaning'
import { dateTime, duration, number } from '../format'
import { useLanguage, useNow } from '../use'

interface Line {
  name: string
  value: string
  meaning?: string
  figure?: string // whose meaning the table of measures has
}

/** The measures of one conversation, called and explained as reports call and explain them. */
export function Measured({ conversation: c }: { conversation: Conversation }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const figures = useFigures()
  const now = useNow(30_000)
  const measure = (name: string, ms: number | null): Line => ({ name: figures.label(name), value: duration(ms, language), figure: name })
  const count = (word: string, n: number): Line => ({ name: t(`measure.${word}`), value: number(n, language), meaning: t(`measure.${word}Meaning`) })
  // Who waits now may wait the longest.
  const longest = Math.max(c.longest_wait_ms, c.waiting_since ? now - Date.parse(c.waiting_since) : 0)
  const lines: Line[] = [
    { name: t('measure.began'), value: dateTime(c.first, language) },
    { name: t('measure.last'), value: dateTime(c.last, language) },
    measure('first_response_ms', c.first_response_ms),
    measure('first_bot_response_ms', c.first_bot_response_ms),
    measure('slowest_later_response_ms', c.later_responses_ms.length ? Math.max(...c.later_responses_ms) : null),
    ...(longest > 0 ? [measure('longest_wait_ms', longest)] : []),
    measure('resolution_ms', c.resolution_ms),
    count('contacts', c.contacts),
    count('touchpoints', c.touchpoints),
    count('reopenings', c.reopenings),
    count('handOvers', c.hand_overs),
    count('channelSwitches', c.channel_switches),
  ]
  if (c.next_contact) lines.push({ name: t('measure.nextContact'), value: dateTime(c.next_contact, language), meaning: t('measure.nextContactMeaning') })
  if (c.ratings) lines.push({ name: t('measure.rating'), value: c.ratings.map((r) => `${r.scale.toUpperCase()} ${number(r.value, language)}`).join(' · ') })
  return (
    <Paper withBorder p="md" component="section" aria-label={t('conversation.measures')}>
      <Title order={2} size="h5" mb="xs">{t('conversation.measures')}</Title>
      <Table verticalSpacing={4} horizontalSpacing={0}>
        <Table.Tbody>
          {lines.map((l) => (
            <Table.Tr key={l.name}>
              <Table.Th fw={400} c="dimmed" scope="row">
                {l.figure ? (
                  <Meaning figure={l.figure}><Text span inherit tabIndex={0} className="explained">{l.name}</Text></Meaning>
                ) : l.meaning ? (
                  <Tooltip label={l.meaning} multiline w={280} events={{ hover: true, focus: true, touch: true }}>
                    <Text span inherit tabIndex={0} className="explained">{l.name}</Text>
                  </Tooltip>
                ) : (
                  l.name
                )}
              </Table.Th>
              <Table.Td className="numbers">{l.value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  )
}
