import { Anchor, Badge, Group, Paper, Stack, Table, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, must } from '../api'
import { consentsOf } from '../consents'
import { amount, date, inDots } from '../format'
import { orderKinds, ordersOf } from '../orders'
import { ChannelSign } from '../parts/Channel'
import { Go } from '../parts/Go'
import { Failed, Loading } from '../parts/States'
import { useLanguage, useNames } from '../use'
import { AccountCard } from './Account'

interface Props {
  id: string
  as_of?: string
  account?: string
}

/** What a customer's touchpoints tell beside what was said: what they bought, what they agreed to, whom they work for. */
export function Told({ id, as_of, account }: Props) {
  const told = useQuery({
    queryKey: ['person', id, 'told', as_of],
    queryFn: async () =>
      (await must(api.GET('/v1/people/{id}/timeline', { params: { path: { id }, query: { limit: 200, as_of, kind: ['consent.given', 'consent.withdrawn', ...orderKinds] } } }))).touchpoints,
  })
  if (told.isPending) return <Loading lines={3} />
  if (told.isError) return <Failed error={told.error} retry={() => void told.refetch()} />
  return (
    <>
      <Orders orders={ordersOf(told.data)} />
      <Consents consents={consentsOf(told.data)} />
      {account && <AccountCard account={account} except={id} />}
    </>
  )
}

const shown = 4

function Orders({ orders }: { orders: ReturnType<typeof ordersOf> }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const names = useNames()
  const [all, setAll] = useState(false)
  return (
    <Paper withBorder p="md" component="section" aria-label={t('person.orders')}>
      <Title order={2} size="h5" mb="xs">{t('person.orders')}</Title>
      {orders.length === 0 && <Text size="sm" c="dimmed">{t('person.noOrders')}</Text>}
      <Stack gap={8}>
        {(all ? orders : orders.slice(0, shown)).map((o) => (
          <Group key={o.id} justify="space-between" wrap="nowrap" gap="xs" align="flex-start">
            <div>
              <Text size="sm" fw={500} className="breaks">
                {o.conversation ? <Anchor inherit component={Go} to={`/conversations/${o.conversation}`}>{o.id}</Anchor> : o.id}
                {o.product && <Text span size="sm" fw={400}> · {o.product.slice(0, 100)}</Text>}
              </Text>
              <Text size="xs" c="dimmed">{inDots(o.placed && date(o.placed, language), o.amount !== null && amount(o.amount, o.currency, language)) || date(o.last.time, language)}</Text>
            </div>
            <Badge size="sm" variant="light" tt="none" color={stateColors[o.last.kind] ?? 'blue'} title={date(o.last.time, language)}>{names.kind(o.last.kind)}</Badge>
          </Group>
        ))}
        {!all && orders.length > shown && <Anchor component="button" type="button" size="sm" ta="left" onClick={() => setAll(true)}>{t('state.all', { count: orders.length })}</Anchor>}
      </Stack>
    </Paper>
  )
}

const stateColors: Record<string, string> = { 'order.delivered': 'green', 'pickup.collected': 'green', 'pickup.ready': 'orange', 'order.cancelled': 'gray', 'order.returned': 'gray' }

function Consents({ consents }: { consents: ReturnType<typeof consentsOf> }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const names = useNames()
  return (
    <Paper withBorder p="md" component="section" aria-label={t('person.consent')}>
      <Title order={2} size="h5" mb="xs">{t('person.consent')}</Title>
      {consents.length === 0 ? (
        <Text size="sm" c="dimmed">{t('person.noConsent')}</Text>
      ) : (
        <Table verticalSpacing={4} horizontalSpacing={0}>
          <Table.Tbody>
            {consents.map((c) => (
              <Table.Tr key={`${c.channel} ${c.purpose}`}>
                <Table.Th scope="row" fw={400}>
                  <Group gap={6} wrap="nowrap">
                    <ChannelSign channel={c.channel} size={22} />
                    <Text size="sm" className="breaks">{c.purpose || t('person.anyPurpose')}</Text>
                  </Group>
                </Table.Th>
                <Table.Td ta="right">
                  <Badge size="sm" variant="light" tt="none" color={c.given ? 'green' : 'red'}>{t(c.given ? 'person.given' : 'person.withdrawn')}</Badge>
                  <Text size="xs" c="dimmed">{t('person.saidBy', { date: date(c.touchpoint.time, language), channel: names.channel(c.touchpoint.channel) })}</Text>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Paper>
  )
}
