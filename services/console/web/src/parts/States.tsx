import { Alert, Button, Stack, Text, Title } from '@mantine/core'
import { CircleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '../api'

/** What stands where something loads: as tall as what comes, so that nothing jumps. */
export function Loading({ lines = 6 }: { lines?: number }) {
  const { t } = useTranslation()
  return <div className="loading" role="status" aria-label={t('state.loading')} style={{ height: lines * 48 }} />
}

/** What went wrong and what to do about it. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation()
  const problem = error instanceof Problem ? error : new Problem(-1, String(error))
  const kind = problem.status === 0 ? 'away' : problem.status === 403 ? 'forbidden' : problem.status === 404 ? 'missing' : problem.status === 422 ? 'much' : problem.status === 503 ? 'busy' : 'other'
  return (
    <Alert color="red" icon={<CircleAlert size={18} />} title={t(`failed.${kind}.title`)} role="alert">
      <Text size="sm">{t(`failed.${kind}.hint`)}</Text>
      {problem.detail && (
        <Text size="sm" mt={4} className="breaks">
          {problem.detail}
        </Text>
      )}
      {retry && (
        <Button mt="sm" size="xs" variant="default" onClick={retry}>
          {t('state.again')}
        </Button>
      )}
    </Alert>
  )
}

/** Nothing to show, and what would change that. */
export function Empty({ title, hint, children }: { title: string; hint: string; children?: ReactNode }) {
  return (
    <Stack align="center" gap={6} py="xl" px="md">
      <Title order={3} size="h4" ta="center">
        {title}
      </Title>
      <Text c="dimmed" ta="center" maw={460}>
        {hint}
      </Text>
      {children}
    </Stack>
  )
}
