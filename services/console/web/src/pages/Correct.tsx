import { Alert, Button, Checkbox, Group, Modal, SimpleGrid, Stack, Text, Textarea, Title } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, must, type Person, type Schemas } from '../api'
import { number } from '../format'
import { NodeText } from '../parts/Identifier'
import { SearchBox } from '../parts/SearchBox'
import { Failed } from '../parts/States'
import { useLanguage, useNames } from '../use'

type Preview = Schemas['Preview']
type Act = Schemas['Act']
const isPreview = (v: Act | Preview | Schemas['Pending']): v is Preview => 'before' in v

interface Props {
  person: Person
  close: () => void
}

/** Makes one person of two, after showing what that would change. */
export function MergeDialog({ person, close }: Props) {
  const { t } = useTranslation()
  const [other, setOther] = useState<string | null>(null)
  const card = useQuery({ queryKey: ['person', other], queryFn: () => must(api.GET('/v1/people/{id}', { params: { path: { id: other! } } })), enabled: other !== null })
  return (
    <Correction
      title={t('correct.mergeTitle')}
      close={close}
      ready={other !== null}
      ask={(reason, preview) => must(api.POST('/v1/people/merge', { body: { a: person.id, b: other!, reason, preview } }))}
      subject={other ?? ''}
    >
      <Text size="sm">{t('correct.mergeLead')}</Text>
      <SearchBox label={t('correct.other')} onFind={setOther} except={person.id} />
      {card.data && (
        <Group gap="xs">{card.data.identifiers.slice(0, 4).map((i) => <NodeText key={i.type + i.value} node={i} />)}</Group>
      )}
      {card.isError && <Failed error={card.error} />}
    </Correction>
  )
}

/** Parts identifiers from a person, after showing what that would change. */
export function SplitDialog({ person, close }: Props) {
  const { t } = useTranslation()
  const [leaving, setLeaving] = useState<string[]>([])
  const verified = person.identifiers.filter((i) => i.verified)
  return (
    <Correction
      title={t('correct.splitTitle')}
      close={close}
      ready={leaving.length > 0 && leaving.length < verified.length}
      ask={(reason, preview) => must(api.POST('/v1/people/split', { body: { person: person.id, identifiers: leaving, reason, preview } }))}
      subject={leaving.join('\n')}
    >
      <Checkbox.Group label={t('correct.leaving')} description={t('correct.leavingHint')} value={leaving} onChange={setLeaving}>
        <Stack gap="xs" mt="xs">
          {verified.map((i) => <Checkbox key={i.type + i.value} value={`${i.type}:${i.value}`} label={<NodeText node={i} />} />)}
        </Stack>
      </Checkbox.Group>
    </Correction>
  )
}

interface CorrectionProps {
  title: string
  close: () => void
  ready: boolean
  subject: string // what the preview is of: another subject needs another preview
  ask: (reason: string, preview: boolean) => Promise<Act | Preview | Schemas['Pending']>
  children: ReactNode
}

function Correction({ title, close, ready, ask, subject, children }: CorrectionProps) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const [reason, setReason] = useState('')
  const preview = useMutation({ mutationFn: async () => ({ subject, of: await ask(reason.trim() || t('correct.previewReason'), true) }) })
  const act = useMutation({
    mutationFn: () => ask(reason.trim(), false),
    onSuccess: async (done) => {
      await queries.invalidateQueries()
      close()
      if ('persons' in done && done.persons[0]) void navigate({ to: `/people/${done.persons[0].id}`, search: { tab: 'why' } })
    },
  })
  const seen = preview.data && preview.data.subject === subject && isPreview(preview.data.of) ? preview.data.of : null
  const enough = reason.trim().length >= 3
  return (
    <Modal opened onClose={close} title={title} size="lg" closeButtonProps={{ 'aria-label': t('state.close') }}>
      <Stack>
        {children}
        <Textarea label={t('correct.reason')} description={t('correct.reasonHint')} value={reason} onChange={(e) => setReason(e.currentTarget.value)} maxLength={500} autosize minRows={2} required />
        {preview.isError && <Failed error={preview.error} />}
        {seen && <PreviewOf preview={seen} />}
        {act.isError && <Failed error={act.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>{t('state.cancel')}</Button>
          <Button variant={seen ? 'default' : 'filled'} disabled={!ready} loading={preview.isPending} onClick={() => preview.mutate()}>{t('correct.preview')}</Button>
          <Button disabled={!seen || seen.refused !== null || !enough} loading={act.isPending} onClick={() => act.mutate()}>{t('correct.do')}</Button>
        </Group>
      </Stack>
    </Modal>
  )
}

function PreviewOf({ preview: p }: { preview: Preview }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const names = useNames()
  if (p.refused) return <Alert color="red" role="alert" title={t('correct.refused')}>{p.refused.rule}{p.refused.detail && `: ${p.refused.detail}`}</Alert>
  return (
    <Stack gap="xs" role="status" aria-label={t('correct.preview')}>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Persons title={t('correct.before')} persons={p.before} />
        <Persons title={t('correct.after')} persons={p.after} />
      </SimpleGrid>
      <Text size="sm">{t('correct.moves', { touchpoints: number(p.touchpoints, language), conversations: number(p.conversations.count, language) })}</Text>
      {p.report.cells.length > 0 && (
        <Text size="sm" c="dimmed">
          {t('correct.report', { cells: p.report.cells.map((c) => `${names.channel(c.channel)} ${c.people.before} → ${c.people.after}`).join(', ') })}
        </Text>
      )}
    </Stack>
  )
}

function Persons({ title, persons }: { title: string; persons: Schemas['PersonNow'][] }) {
  return (
    <div>
      <Title order={3} size="h6" mb={4}>{title}</Title>
      <Stack gap="xs">
        {persons.map((p) => (
          <Stack key={p.id} gap={0} p="xs" bd="1px solid var(--mantine-color-default-border)" style={{ borderRadius: 8 }}>
            {p.identifiers.slice(0, 8).map((i) => <NodeText key={i.type + i.value} node={i} />)}
          </Stack>
        ))}
      </Stack>
    </div>
  )
}
