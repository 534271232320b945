import { Button, Drawer, Group, SegmentedControl, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, must, Problem, type Schemas } from '../api'
import { Length } from '../parts/Length'
import { NumberField } from '../parts/NumberField'
import { Failed } from '../parts/States'
import { useLanguage } from '../use'

export type Channel = Schemas['RegistryChannel']

const tones = ['formal', 'friendly', 'casual'] as const

/** Sets what a workspace says of a channel. */
export function ChannelForm({ channel, close }: { channel: Channel | null; close: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  return (
    <Drawer opened={channel !== null} onClose={close} position="right" title={channel?.label[language]} closeButtonProps={{ 'aria-label': t('state.close') }}>
      {channel && <Form key={channel.name} channel={channel} close={close} />}
    </Drawer>
  )
}

function Form({ channel: c, close }: { channel: Channel; close: () => void }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [given, setGiven] = useState({ en: c.label.en, de: c.label.de, respond: c.respond_seconds, tone: c.tone, cost: c.cost as number | string })
  const set = (change: Partial<typeof given>) => setGiven({ ...given, ...change })
  const path = { params: { path: { channel: c.name } } }
  const done = (now: Channel) => {
    // It shows at once; what is drawn from reports is read again when somebody looks at it.
    queries.setQueryData<Schemas['Registry']>(['registry'], (r) => r && { ...r, channels: r.channels.map((other) => (other.name === now.name ? now : other)) })
    void queries.invalidateQueries({ predicate: (q) => q.queryKey[0] !== 'registry' && q.queryKey[0] !== 'session' && q.queryKey[0] !== 'measures' })
    close()
  }
  const save = useMutation({
    mutationFn: () =>
      must(api.PUT('/v1/registry/channels/{channel}', {
        ...path, body: { label: { en: given.en.trim(), de: given.de.trim() }, respond_seconds: given.respond, tone: given.tone as (typeof tones)[number], cost: Number(given.cost) },
      })),
    onSuccess: done,
  })
  const reset = useMutation({ mutationFn: () => must(api.DELETE('/v1/registry/channels/{channel}', path)), onSuccess: done })
  const wrong = save.error instanceof Problem ? save.error.field : ''
  const field = (name: string) => (wrong === name ? (save.error as Problem).detail : undefined)
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        save.mutate()
      }}
    >
      <Stack>
        <TextInput label={t('channels.labelEn')} value={given.en} onChange={(e) => set({ en: e.currentTarget.value })} required maxLength={64} lang="en" error={field('label')} />
        <TextInput label={t('channels.labelDe')} value={given.de} onChange={(e) => set({ de: e.currentTarget.value })} required maxLength={64} lang="de" />
        <Length label={t('channels.respond')} seconds={given.respond} onChange={(respond) => set({ respond })} error={field('respond_seconds')} />
        <div>
          <Text size="sm" fw={500} mb={4}>{t('channels.tone')}</Text>
          <SegmentedControl fullWidth aria-label={t('channels.tone')} value={given.tone} onChange={(tone) => set({ tone })} data={tones.map((tone) => ({ value: tone, label: t(`channels.tones.${tone}`) }))} />
        </div>
        <NumberField label={t('channels.cost')} value={given.cost} onChange={(cost) => set({ cost })} min={0} max={100_000} decimalScale={2} fixedDecimalScale suffix=" €" required error={field('cost')} />
        <Text size="sm" c="dimmed">{t('channels.editHint')}</Text>
        {save.isError && !['label', 'respond_seconds', 'cost'].includes(wrong) && <Failed error={save.error} />}
        {reset.isError && <Failed error={reset.error} />}
        <Group justify="space-between">
          {c.own ? <Button variant="default" loading={reset.isPending} onClick={() => reset.mutate()}>{t('channels.reset')}</Button> : <span />}
          <Button type="submit" loading={save.isPending}>{t('channels.save')}</Button>
        </Group>
      </Stack>
    </form>
  )
}
