import { Button, Group, Paper, Slider, Text, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { date, dateTime, localInput } from '../format'
import { instantOf, pastOf, stepOf } from '../past'
import { useLanguage } from '../use'

interface Props {
  since: string // when the first was known
  at?: string
  onChange: (at: string | undefined) => void
}

/** Goes back to what could be seen at another time: by a slider, by the arrow keys, or by a date that is typed. */
export function AsOf({ since, at, onChange }: Props) {
  const { t } = useTranslation()
  const language = useLanguage()
  const past = useMemo(() => pastOf(Date.parse(since), Date.now()), [since])
  const [step, setStep] = useState(0)
  useEffect(() => {
    if (past) setStep(stepOf(past, at))
  }, [past, at])
  // While a key is held down or the thumb is dragged, nobody wants an answer for every step on the way.
  const choose = useDebouncedCallback((to: number) => past && onChange(instantOf(past, to) ?? undefined), 200)
  if (!past) return null
  const name = (s: number) => {
    const instant = instantOf(past, s)
    return instant ? dateTime(instant, language) : t('person.today')
  }
  return (
    <Paper withBorder px="md" py="xs" mb="md" component="section" aria-label={t('person.past')}>
      <Group gap="md" align="center">
        <Text size="sm" fw={600}>{t('person.past')}</Text>
        <Slider
          flex={1} miw={180} size="sm" min={0} max={past.steps} value={step} onChange={setStep} onChangeEnd={choose} label={name} mb={18} marks={[{ value: 0, label: date(since, language) }, { value: past.steps, label: t('person.today') }]} thumbLabel={t('person.past')} thumbValueText={name}
        />
        <TextInput
          type="datetime-local" size="xs" aria-label={t('person.pastDate')} value={localInput(at)} max={localInput(new Date().toISOString())}
          onChange={(e) => onChange(e.currentTarget.value ? new Date(e.currentTarget.value).toISOString() : undefined)}
        />
        <Button size="compact-sm" variant="default" disabled={!at} onClick={() => onChange(undefined)}>{t('person.now')}</Button>
      </Group>
    </Paper>
  )
}
