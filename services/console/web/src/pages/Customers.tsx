import { Box, List, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { SearchBox } from '../parts/SearchBox'
import { Page } from '../parts/Shell'

export function CustomersPage() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  return (
    <Page title={t('menu.customers')}>
      <Box maw={640}>
        <Text mb="sm" c="dimmed">
          {t('search.lead')}
        </Text>
        <SearchBox autoFocus label={t('search.one')} onFind={(id) => void navigate({ to: `/people/${id}` })} />
        <Text mt="lg" mb={4} fw={600} size="sm">
          {t('search.examples')}
        </Text>
        <List size="sm" c="dimmed">
          {(['email', 'name', 'phone', 'customer', 'ticket', 'typed'] as const).map((e) => (
            <List.Item key={e}>{t(`search.example.${e}`)}</List.Item>
          ))}
        </List>
      </Box>
    </Page>
  )
}
