import { Badge, Button, Code, Group, Loader, Paper, Spoiler, Stack, Text, Title } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, must, type Schemas } from '../api'
import { runAudit } from '../audit'
import { ago, dateTime, duration, number } from '../format'
import { Failed, Loading, Outdated, Words } from '../parts/States'
import { useLanguage, useMay, useNow, useSession } from '../use'

/** What the last audit found: everything recomputed from the log, and compared with what is read. */
export function Audit() {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const audit = useQuery({ queryKey: ['audit'], queryFn: () => must(api.GET('/v1/audit')), refetchInterval: 30_000 })
  const admin = useMay('admin')
  const may = useSession().data?.workspace === 'default' && admin
  const [progress, setProgress] = useState('')
  const abort = useRef<AbortController>(null)
  useEffect(() => () => abort.current?.abort(), [])
  const run = useMutation({
    mutationFn: () => runAudit(setProgress, (abort.current = new AbortController()).signal),
    onSettled: () => queries.invalidateQueries({ queryKey: ['audit'] }),
  })
  return (
    <section aria-label={t('audit.title')}>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">{t('audit.title')}</Title>
        {may && <Button size="xs" variant="default" loading={run.isPending} onClick={() => run.mutate()}>{t('audit.run')}</Button>}
      </Group>
      <Paper withBorder p="md">
        {run.isPending && (
          <Group gap="xs" mb="sm" role="status">
            <Loader size="xs" />
            <Text size="sm">{progress || t('audit.began')}</Text>
          </Group>
        )}
        {run.isError && <Failed error={run.error} />}
        {audit.isPending ? (
          <Loading lines={2} />
        ) : !audit.data ? (
          <Failed error={audit.error} retry={() => void audit.refetch()} />
        ) : (
          <>
            <Outdated of={audit} />
            {audit.data.last ? <Last audit={audit.data.last} /> : <Text size="sm" c="dimmed"><Words>{t(may ? 'audit.noneMay' : 'audit.none')}</Words></Text>}
          </>
        )}
      </Paper>
    </section>
  )
}

function Last({ audit: a }: { audit: Schemas['LastAudit'] }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const now = useNow(30_000)
  const clean = a.difference_count === 0
  return (
    <Stack gap="xs">
      <Group gap="sm">
        <Badge variant="light" tt="none" size="lg" color={a.error ? 'gray' : clean ? 'green' : 'red'}>
          {a.error ? t('audit.failed') : clean ? t('audit.clean') : t('audit.differs', { count: a.difference_count, n: number(a.difference_count, language) })}
        </Badge>
        <Text size="sm" title={dateTime(a.at, language)}>{t('audit.at', { time: dateTime(a.at, language), ago: ago(now - Date.parse(a.at), language) })}</Text>
      </Group>
      {a.error ? (
        <Text size="sm" className="breaks">{a.error}</Text>
      ) : (
        <Text size="sm" c="dimmed">
          {t('audit.compared', { touchpoints: number(a.touchpoints, language), people: number(a.people, language), conversations: number(a.conversations, language), took: duration(a.took_ms, language) })}
        </Text>
      )}
      {a.differences.length > 0 && (
        <Spoiler maxHeight={160} showLabel={t('audit.show')} hideLabel={t('audit.hide')}>
          <Stack gap={4}>{a.differences.map((d, i) => <Code key={i} block className="breaks">{d}</Code>)}</Stack>
        </Spoiler>
      )}
    </Stack>
  )
}
