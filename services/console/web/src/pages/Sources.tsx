import { Anchor, Group, Paper, Table, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { ago, dateTime, number } from '../format'
import { ChannelSigns } from '../parts/Channel'
import { Go } from '../parts/Go'
import { Empty, Failed, Loading, Outdated } from '../parts/States'
import { sourcesQuery, useLanguage, useNow } from '../use'

/** Which systems send touchpoints, and when each was last heard of. */
export function Sources() {
  const { t } = useTranslation()
  const language = useLanguage()
  const now = useNow(10_000)
  const sources = useQuery({ ...sourcesQuery, refetchInterval: 30_000 })
  return (
    <section aria-label={t('source.title')}>
      <Title order={2} size="h4" mb="sm">{t('source.title')}</Title>
      {sources.data && <Outdated of={sources} />}
      {sources.isPending ? (
        <Loading lines={3} />
      ) : !sources.data ? (
        <Failed error={sources.error} retry={() => void sources.refetch()} />
      ) : sources.data.sources.length === 0 ? (
        <Empty title={t('source.none')} hint={t('source.noneHint')} />
      ) : (
        <Paper withBorder className="scroll" tabIndex={0} role="region" aria-label={t('source.title')}>
          <Table miw={620}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('source.source')}</Table.Th>
                <Table.Th>{t('source.channels')}</Table.Th>
                <Table.Th className="numbers">{t('source.heard')}</Table.Th>
                <Table.Th className="numbers">{t('source.newest')}</Table.Th>
                <Table.Th className="numbers">{t('source.day')}</Table.Th>
                <Table.Th className="numbers">{t('source.all')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {sources.data.sources.map((s) => (
                <Table.Tr key={s.source}>
                  <Table.Td className="breaks">{s.source || <Text span size="sm" c="dimmed">{t('source.unnamed')}</Text>}</Table.Td>
                  <Table.Td><Group><ChannelSigns channels={s.channels} most={5} /></Group></Table.Td>
                  <Table.Td className="numbers" title={dateTime(s.received, language)}>{t('quality.ago', { time: ago(now - Date.parse(s.received), language) })}</Table.Td>
                  <Table.Td className="numbers">{dateTime(s.newest, language)}</Table.Td>
                  <Table.Td className="numbers">{number(s.last_day, language)}</Table.Td>
                  <Table.Td className="numbers">{number(s.touchpoints, language)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Paper>
      )}
      {sources.data?.truncated && <Text size="sm" c="dimmed" mt="xs">{t('source.truncated', { n: number(sources.data.sources.length, language) })}</Text>}
      {Boolean(sources.data?.sources.length) && <Anchor size="sm" mt="xs" display="inline-block" component={Go} to="/reports" search={{ of: 'touchpoints', by: 'source', days: 30 }}>{t('source.report')}</Anchor>}
    </section>
  )
}
