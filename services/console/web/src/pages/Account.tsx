import { Anchor, Group, Paper, Stack, Table, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { api, must } from '../api'
import { date, number } from '../format'
import { ChannelSigns } from '../parts/Channel'
import { Go } from '../parts/Go'
import { Failed, Loading } from '../parts/States'
import { useLanguage } from '../use'

/** The company that a customer writes for, and who else does. */
export function AccountCard({ account, except }: { account: string; except: string }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const card = useQuery({ queryKey: ['account', account], queryFn: () => must(api.GET('/v1/accounts/{account}', { params: { path: { account }, query: { limit: 6 } } })) })
  const others = (card.data?.contacts ?? []).filter((c) => c.person !== except).slice(0, 5)
  return (
    <Paper withBorder p="md" component="section" aria-label={t('person.account')}>
      <Title order={2} size="h5" mb="xs">{t('person.account')}</Title>
      {card.isPending ? (
        <Loading lines={3} />
      ) : card.isError ? (
        <Failed error={card.error} retry={() => void card.refetch()} />
      ) : (
        <Stack gap={8}>
          <div>
            <Text fw={600} className="breaks">{card.data.name || account}</Text>
            {card.data.name && <Text size="xs" c="dimmed" className="breaks">{account}</Text>}
          </div>
          <Said name={t('account.managers')} value={card.data.managers} />
          <Said name={t('account.contracts')} value={card.data.contracts} />
          {card.data.updated && <Text size="xs" c="dimmed">{t('account.updated', { date: date(card.data.updated, language) })}</Text>}
          <Text size="sm" fw={500}>{t('account.others')}</Text>
          {others.length === 0 ? (
            <Text size="sm" c="dimmed">{t('account.alone')}</Text>
          ) : (
            <Table verticalSpacing={3} horizontalSpacing={0}>
              <Table.Tbody>
                {others.map((c) => (
                  <Table.Tr key={c.person}>
                    <Table.Td><Anchor component={Go} to={`/people/${c.person}`} size="sm" className="breaks">{c.identifier.value}</Anchor></Table.Td>
                    <Table.Td><Group justify="flex-end"><ChannelSigns channels={c.channels} most={3} /></Group></Table.Td>
                    <Table.Td className="numbers">{number(c.touchpoints, language)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
          {card.data.next && <Text size="xs" c="dimmed">{t('account.more')}</Text>}
        </Stack>
      )}
    </Paper>
  )
}

/** What a record says, as people write it down. */
function fieldsOf(record: unknown): string {
  if (typeof record !== 'object' || record === null) return JSON.stringify(record)
  return Object.entries(record).map(([name, value]) => `${name}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`).join(' · ')
}

/** What a company's system said of it, in whatever form. */
function Said({ name, value }: { name: string; value: unknown }) {
  if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return null
  const list = Array.isArray(value) ? value : [value]
  return (
    <div>
      <Text size="xs" c="dimmed">{name}</Text>
      {list.slice(0, 10).map((v, i) => (typeof v === 'string' || typeof v === 'number' ? <Text key={i} size="sm" className="breaks">{String(v).slice(0, 200)}</Text> : <Text key={i} size="sm" className="breaks">{fieldsOf(v).slice(0, 400)}</Text>))}
    </div>
  )
}
