import { Alert, Button, Center, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, must, Problem } from '../api'
import { Words } from '../parts/States'

export function SignIn() {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [key, setKey] = useState('')
  useEffect(() => {
    document.title = `${t('signIn.title')} · Throughline`
  }, [t])
  const signIn = useMutation({
    mutationFn: () => must(api.POST('/v1/session', { body: { key: key.trim() } })),
    onSuccess: (session) => queries.setQueryData(['session'], session),
  })
  const problem = signIn.error instanceof Problem ? signIn.error : null
  return (
    <Center mih="90vh" p="md" component="main">
      <Paper withBorder p="xl" w="100%" maw={420} shadow="sm">
        <form
          onSubmit={(e) => {
            e.preventDefault()
            if (key.trim()) signIn.mutate()
          }}
        >
          <Stack>
            <Title order={1} size="h2">
              Throughline
            </Title>
            <Text c="dimmed">{t('signIn.lead')}</Text>
            <PasswordInput
              label={t('signIn.key')}
              description={<Words>{t('signIn.hint')}</Words>}
              value={key}
              onChange={(e) => setKey(e.currentTarget.value)}
              autoComplete="current-password"
              autoFocus
              required
              maxLength={1024}
              visibilityToggleButtonProps={{ 'aria-label': t('signIn.show') }}
            />
            {problem && (
              <Alert color="red" role="alert" title={t(problem.status === 401 ? 'signIn.unknown' : 'signIn.failed')}>
                {t(problem.status === 401 ? 'signIn.unknownHint' : 'signIn.failedHint')}
              </Alert>
            )}
            <Button type="submit" loading={signIn.isPending}>
              {t('signIn.button')}
            </Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  )
}
