import { Badge, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../api'
import { dateTime, duration } from '../format'
import { useLanguage } from '../use'

type Promise = Schemas['Promise']

const colors: Record<Promise['status'], string> = { kept: 'green', missed: 'red', running: 'blue', at_risk: 'orange' }

/** What was promised about a conversation, and how that stands. */
export function Promised({ promises }: { promises: Promise[] }) {
  const { t } = useTranslation()
  return (
    <Paper withBorder p="md" component="section" aria-label={t('promise.title')}>
      <Title order={2} size="h5" mb="xs">{t('promise.title')}</Title>
      {promises.length === 0 ? (
        <Text size="sm" c="dimmed">{t('promise.none')}</Text>
      ) : (
        <Stack gap="sm" role="list">
          {promises.map((p) => <One key={p.metric} promise={p} />)}
        </Stack>
      )}
    </Paper>
  )
}

function One({ promise: p }: { promise: Promise }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const due = p.due && dateTime(p.due, language)
  return (
    <div role="listitem">
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="sm" fw={500}>{t(`promise.metric.${p.metric}`)}</Text>
        <Badge size="sm" variant="light" tt="none" color={colors[p.status]}>{t(`promise.status.${p.status}`)}</Badge>
      </Group>
      <Text size="sm">{t('promise.within', { time: duration(p.target_ms, language) })} {p.calendar && <Text span size="sm" c="dimmed">({t('promise.calendar', { name: p.calendar })})</Text>}</Text>
      <Text size="xs" c="dimmed">{standing(p)}</Text>
    </div>
  )

  function standing(p: Promise): string {
    if (p.left_ms === null) return t(p.status === 'missed' && due ? 'promise.tookMissed' : 'promise.took', { time: duration(p.elapsed_ms, language), due })
    if (p.left_ms < 0) return t(due ? 'promise.over' : 'promise.overPaused', { time: duration(-p.left_ms, language), due })
    return t(due ? 'promise.left' : 'promise.paused', { time: duration(p.left_ms, language), due })
  }
}
