import { Badge, Paper, Stack, Table, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { api, must } from '../api'
import { dateTime, number } from '../format'
import { Empty, Failed, Loading, Outdated } from '../parts/States'
import { useLanguage } from '../use'

const days = 30

/** What the doors found at the touchpoints that came in: fields that break their schema, and what privacy rules took out. */
export function Found() {
  const { t } = useTranslation()
  const language = useLanguage()
  const quality = useQuery({ queryKey: ['data-quality', days], queryFn: () => must(api.GET('/v1/data-quality', { params: { query: { days } } })), refetchInterval: 30_000 })
  if (quality.isPending) return <Loading lines={3} />
  if (!quality.data) return <Failed error={quality.error} retry={() => void quality.refetch()} />
  const { violations, privacy } = quality.data
  return (
    <Stack gap="xl">
      {quality.isError && <Outdated of={quality} />}
      <section aria-label={t('found.violations')}>
        <Title order={2} size="h4">{t('found.violations')}</Title>
        <Text size="sm" c="dimmed" mb="sm">{t('found.violationsHint', { days })}</Text>
        {violations.length === 0 ? (
          <Empty title={t('found.noViolations')} hint={t('found.noViolationsHint')} />
        ) : (
          <Paper withBorder className="scroll" tabIndex={0} role="region" aria-label={t('found.violations')}>
            <Table miw={620}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('found.source')}</Table.Th>
                  <Table.Th>{t('found.schema')}</Table.Th>
                  <Table.Th>{t('found.field')}</Table.Th>
                  <Table.Th className="numbers">{t('found.flagged')}</Table.Th>
                  <Table.Th className="numbers">{t('found.refused')}</Table.Th>
                  <Table.Th>{t('found.last')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {violations.map((v) => (
                  <Table.Tr key={`${v.source} ${v.contract} ${v.field}`}>
                    <Table.Td>{v.source || '–'}</Table.Td>
                    <Table.Td>{v.contract}</Table.Td>
                    <Table.Td className="breaks">{v.field}</Table.Td>
                    <Table.Td className="numbers">{number(v.flagged, language)}</Table.Td>
                    <Table.Td className="numbers">{number(v.refused, language)}</Table.Td>
                    <Table.Td>{dateTime(v.last, language)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Paper>
        )}
      </section>
      <section aria-label={t('found.privacy')}>
        <Title order={2} size="h4">{t('found.privacy')}</Title>
        <Text size="sm" c="dimmed" mb="sm">{t('found.privacyHint', { days })}</Text>
        {privacy.length === 0 ? (
          <Empty title={t('found.noPrivacy')} hint={t('found.noPrivacyHint')} />
        ) : (
          <Paper withBorder className="scroll" tabIndex={0} role="region" aria-label={t('found.privacy')}>
            <Table miw={520}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('found.source')}</Table.Th>
                  <Table.Th>{t('found.field')}</Table.Th>
                  <Table.Th>{t('found.rule')}</Table.Th>
                  <Table.Th className="numbers">{t('found.touchpoints')}</Table.Th>
                  <Table.Th>{t('found.last')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {privacy.map((p) => (
                  <Table.Tr key={`${p.source} ${p.rule} ${p.field}`}>
                    <Table.Td>{p.source || '–'}</Table.Td>
                    <Table.Td className="breaks">{p.field}</Table.Td>
                    <Table.Td><Badge variant="light">{t(`found.rules.${p.rule}`)}</Badge></Table.Td>
                    <Table.Td className="numbers">{number(p.touchpoints, language)}</Table.Td>
                    <Table.Td>{dateTime(p.last, language)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Paper>
        )}
      </section>
    </Stack>
  )
}
