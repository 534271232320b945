import { Button, Checkbox, Group, Modal, Stack, Text, Textarea } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, must, type Person, type Schemas } from '../api'
import { customerQuery } from '../customer'
import { short } from '../format'
import { nameOf } from '../evidence'
import { useFocusBack } from '../focus'
import { NodeText } from '../parts/Identifier'
import { SearchBox } from '../parts/SearchBox'
import { Failed } from '../parts/States'
import { PreviewOf } from './Preview'

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
  const card = useQuery({ ...customerQuery(other ?? ''), enabled: other !== null })
  return (
    <Correction
      title={t('correct.mergeTitle')}
      close={close}
      ready={other !== null}
      ask={(reason, preview) => must(api.POST('/v1/people/merge', { body: { a: person.id, b: other!, reason, preview } }))}
      subject={other ?? ''}
    >
      <Text size="sm">{t('correct.mergeLead')}</Text>
      {/* A dialog gives the focus to what says that it wants it. */}
      <SearchBox label={t('correct.other')} onFind={setOther} except={person.id} inputRef={(input) => input?.setAttribute('data-autofocus', 'true')} />
      {card.data && (
        <Group gap="xs">
          {card.data.name && <Text fw={600} className="breaks">{short(card.data.name)}</Text>}
          {card.data.card.identifiers.slice(0, 4).map((i) => <NodeText key={`${nameOf(i)} ${i.verified}`} node={i} />)}
        </Group>
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
  useFocusBack()
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
