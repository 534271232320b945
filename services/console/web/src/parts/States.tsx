import { Alert, Button, Code, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { CircleAlert } from 'lucide-react'
import { Fragment, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '../api'
import { time } from '../format'
import { statusQuery, useLanguage } from '../use'

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

/** A query, as far as it matters to what is shown of it. */
interface Asked {
  isError: boolean
  dataUpdatedAt: number
}

/** Stands above figures that could not be read again: what was read last is better than nothing, as long as it says from when it is. */
export function Outdated({ of }: { of: Asked }) {
  const { t } = useTranslation()
  const language = useLanguage()
  return (
    <div role="status">
      {of.isError && <Text size="xs" className="outdated" mb="sm">{t('state.outdated', { time: time(of.dataUpdatedAt, language) })}</Text>}
    </div>
  )
}

/** A text in which what is between backticks is typed by somebody. */
export function Words({ children }: { children: string }) {
  return children.split('`').map((part, i) => (i % 2 === 1 ? <Code key={i}>{part}</Code> : <Fragment key={i}>{part}</Fragment>))
}

/** Nothing to show, and what would change that. */
export function Empty({ title, hint, children }: { title: string; hint: string; children?: ReactNode }) {
  return (
    <Stack align="center" gap={6} py="xl" px="md">
      <Title order={3} size="h4" ta="center">
        {title}
      </Title>
      <Text c="dimmed" ta="center" maw={460}>
        <Words>{hint}</Words>
      </Text>
      {children}
    </Stack>
  )
}

/** Nothing to show, which is good, unless nothing has ever come in: then that is said, and how to change it. */
export function Clear(empty: { title: string; hint: string; children?: ReactNode }) {
  const { t } = useTranslation()
  const status = useQuery({ ...statusQuery, staleTime: 30_000 })
  if (status.isPending) return <Loading lines={3} />
  return status.data?.newest_visible === null ? <Empty title={t('overview.none')} hint={t('overview.noneHint')} /> : <Empty {...empty} />
}
