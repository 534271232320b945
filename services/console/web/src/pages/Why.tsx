import { Badge, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { api, type Evidence, must, type Person } from '../api'
import { evidenceAt, nameOf } from '../evidence'
import { dateTime, inDots } from '../format'
import { NodeText } from '../parts/Identifier'
import { useRule } from '../parts/Rule'
import { Empty, Failed, Loading } from '../parts/States'
import { useLanguage } from '../use'

/** Why a person is one: what joins the identifiers, what was refused or taken back, and who said so. */
export function Why({ person, at }: { person: Person; at?: string }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const id = person.id
  const why = useQuery({ queryKey: ['why', id], queryFn: () => must(api.GET('/v1/people/{id}/why', { params: { path: { id } } })) })
  if (why.isPending) return <Loading />
  if (why.isError) return <Failed error={why.error} retry={() => void why.refetch()} />
  const { moves } = why.data
  const evidence = at ? evidenceAt(why.data.evidence, at) : why.data.evidence
  // As many as the card shows: threads join, and identify nobody.
  const identifiers = new Set(person.identifiers.filter((i) => i.verified).map(nameOf)).size
  const joins = evidence.filter((e) => e.in_force && e.decision === 'joined')
  const rest = evidence.filter((e) => !(e.in_force && e.decision === 'joined'))
  if (evidence.length === 0 && moves.length === 0) return <Empty title={t('why.single')} hint={t('why.singleHint')} />
  return (
    <Stack>
      <Text c="dimmed">{t('why.lead', { count: identifiers })} {at && t('why.asOf', { time: dateTime(at, language) })}</Text>
      <Title order={2} size="h5">{t('why.joins', { count: joins.length })}</Title>
      {joins.slice(0, 200).map((e) => <EvidenceLine key={e.id + e.version + e.decision} evidence={e} />)}
      {rest.length > 0 && <Title order={2} size="h5">{t('why.rest', { count: rest.length })}</Title>}
      {rest.slice(0, 200).map((e) => <EvidenceLine key={e.id + e.version + e.decision} evidence={e} />)}
    </Stack>
  )
}

const colors: Record<Evidence['decision'], string> = { joined: 'green', held: 'blue', suggested: 'yellow', declined: 'gray', refused: 'red', undone: 'orange', shared: 'grape', ruled: 'gray' }

export function EvidenceLine({ evidence: e }: { evidence: Evidence }) {
  const { t } = useTranslation()
  const rule = useRule()
  const language = useLanguage()
  return (
    <Paper withBorder p="sm">
      <Group justify="space-between" gap="xs">
        <Group gap="sm">
          <NodeText node={e.a} />
          {e.b && <Text span c="dimmed" aria-hidden>↔</Text>}
          {e.b && <NodeText node={e.b} />}
        </Group>
        <Badge color={colors[e.decision]} variant="light" tt="none">{t(`decision.${e.decision}`)}</Badge>
      </Group>
      <Text size="sm" mt={4} className="breaks">{e.reason ? `“${e.reason}”` : rule(e.rule, e.detail)}</Text>
      <Text size="xs" c="dimmed" className="breaks">
        {inDots(t(`by.${e.by}`), e.user, e.source, e.touchpoint && t('why.touchpoint', { id: e.touchpoint }), dateTime(e.time, language))}
      </Text>
    </Paper>
  )
}
