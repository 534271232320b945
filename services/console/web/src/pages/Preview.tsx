import { Alert, Anchor, Badge, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../api'
import { type Customer, customerQuery } from '../customer'
import { nameOf, type Seen, seenBeside } from '../evidence'
import { inDots, number, short } from '../format'
import { NodeText } from '../parts/Identifier'
import { useRule } from '../parts/Rule'
import { useLanguage, useNames } from '../use'

type Customers = Map<string, Customer>

/** What a correction would change: who there is before and after, with what comes to whom, and what it does to conversations and reports. */
export function PreviewOf({ preview: p }: { preview: Schemas['Preview'] }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const names = useNames()
  const rule = useRule()
  const customers: Customers = useQueries({
    queries: p.before.map((person) => customerQuery(person.id)),
    combine: (all) => new Map(all.flatMap((one) => (one.data ? [[one.data.card.id, one.data]] : []))),
  })
  if (p.refused) return <Alert color="red" role="alert" title={t('correct.refused')}>{rule(p.refused.rule, p.refused.detail)}</Alert>
  return (
    <Stack gap="xs" role="status" aria-label={t('correct.preview')}>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Persons title={t('correct.before')} persons={seenBeside(p.before, p.after)} mark="leaves" customers={customers} counted />
        <Persons title={t('correct.after')} persons={seenBeside(p.after, p.before)} mark="added" customers={customers} />
      </SimpleGrid>
      <Text size="sm">
        {t('correct.moves', {
          touchpoints: t('correct.has', { count: p.touchpoints, n: number(p.touchpoints, language) }),
          conversations: t('correct.movesConversations', { count: p.conversations.count, n: number(p.conversations.count, language) }),
        })}
      </Text>
      {p.report.cells.length > 0 && (
        <Text size="sm" c="dimmed">
          {t('correct.report', { cells: p.report.cells.map((c) => `${names.channel(c.channel)} ${c.people.before} → ${c.people.after}`).join(', ') })}
        </Text>
      )}
    </Stack>
  )
}

interface PersonsProps {
  title: string
  persons: Seen[]
  mark: 'added' | 'leaves'
  customers: Customers
  counted?: boolean
}

function Persons({ title, persons, ...rest }: PersonsProps) {
  return (
    <div>
      <Title order={3} size="h6" mb={4}>{title}</Title>
      <Stack gap="xs">{persons.map((p) => <OnePerson key={p.id} person={p} {...rest} />)}</Stack>
    </div>
  )
}

const shown = 8

function OnePerson({ person: p, mark, customers, counted }: Omit<PersonsProps, 'title' | 'persons'> & { person: Seen }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const [all, setAll] = useState(false)
  const customer = customers.get(p.id)
  const card = counted ? customer?.card : undefined
  const list = all ? p.identifiers : p.identifiers.slice(0, shown)
  return (
    <Stack gap={2} p="xs" bd="1px solid var(--mantine-color-default-border)" style={{ borderRadius: 8 }}>
      {customer?.name && <Text size="sm" fw={650} className="breaks">{short(customer.name)}</Text>}
      {list.map(({ node, moved }) => (
        <Group key={nameOf(node)} gap="xs" wrap="nowrap" justify="space-between">
          <NodeText node={node} />
          {moved && <Badge size="sm" variant="light" tt="none" color={mark === 'added' ? 'green' : 'orange'}>{t(`correct.${mark}`)}</Badge>}
        </Group>
      ))}
      {list.length < p.identifiers.length && (
        <Anchor component="button" type="button" size="sm" ta="left" onClick={() => setAll(true)}>{t('correct.more', { count: p.identifiers.length - list.length })}</Anchor>
      )}
      {p.threads > 0 && <Text size="xs" c="dimmed">{t('correct.threads', { count: p.threads })}</Text>}
      {card && (
        <Text size="xs" c="dimmed">
          {inDots(t('correct.has', { count: card.touchpoints, n: number(card.touchpoints, language) }), t('correct.talks', { count: card.conversations, n: number(card.conversations, language) }))}
        </Text>
      )}
    </Stack>
  )
}
