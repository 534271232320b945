import { Badge, Button, Group, Paper, SimpleGrid, Stack, Table, Tabs, Text, Title, Tooltip } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Person, Problem } from '../api'
import { calledQuery, personQuery } from '../customer'
import { date, dateTime, number, short } from '../format'
import { AsOf } from '../parts/AsOf'
import { ChannelSign } from '../parts/Channel'
import { Trust, useTypeName } from '../parts/Identifier'
import { Page } from '../parts/Shell'
import { isBadId, NotHere } from '../parts/NotHere'
import { Empty, Failed, Loading } from '../parts/States'
import type { PersonSearch } from '../searches'
import { useLanguage, useMay, useNames } from '../use'
import { Row } from '../parts/Row'
import { MergeDialog, SplitDialog } from './Correct'
import { Timeline } from './Timeline'
import { Told } from './Told'
import { Why } from './Why'

export function PersonPage() {
  const { t } = useTranslation()
  const { id } = useParams({ strict: false }) as { id: string }
  const search = useSearch({ strict: false }) as PersonSearch
  const navigate = useNavigate()
  const language = useLanguage()
  const may = useMay('write')
  const phone = useMediaQuery('(max-width: 36em)', undefined, { getInitialValueInEffect: false })
  const [dialog, setDialog] = useState<'merge' | 'split' | null>(null)
  const as_of = search.at
  const present = useQuery(personQuery(id)) // says how far back one can go, also when there was nobody then
  const card = useQuery({ ...personQuery(id, as_of), placeholderData: keepPreviousData })
  const { name, account } = useQuery(calledQuery(id)).data ?? {}
  // What is chosen can be gone back from; what is typed or dragged is one step.
  const set = (change: Partial<PersonSearch>, typed?: boolean) => void navigate({ to: `/people/${id}`, search: { ...search, ...change }, replace: typed ?? false, state: true })
  if (card.isPending) return <Page title={t('person.title')}><Loading /></Page>
  const since = present.data?.known_since
  const past = since && <AsOf since={since} at={as_of} onChange={(at) => set({ at }, as_of !== undefined && at !== undefined)} />
  const notYet = as_of && card.error instanceof Problem && card.error.status === 404
  if (card.isError) {
    if (isBadId(card.error)) return <NotHere title={t('person.title')} />
    return (
      <Page title={short(name ?? '') || t('person.title')}>
        {past}
        {notYet && since ? (
          <Empty title={t('person.notYet', { time: dateTime(as_of, language) })} hint={t('person.notYetHint')}>
            <Button mt="sm" variant="default" onClick={() => set({ at: undefined })}>{t('person.now')}</Button>
          </Empty>
        ) : (
          <Failed error={card.error} retry={() => void card.refetch()} />
        )}
      </Page>
    )
  }
  const person = card.data
  const cards = (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} mb="lg">
      <Identifiers person={person} />
      <Facts person={person} account={account} />
      <Open person={person} />
      <Told id={person.id} as_of={as_of} account={account} />
    </SimpleGrid>
  )
  // On a phone what happened comes first: the card would push it below the third screen.
  const tab = search.tab === 'card' && !phone ? 'timeline' : (search.tab ?? 'timeline')
  return (
    <Page
      title={short(name || person.identifiers[0]?.value || '') || t('person.title')}
      aside={
        may && !as_of && (
          <Group gap="xs">
            <Button size="xs" variant="default" onClick={() => setDialog('merge')}>{t('correct.merge')}</Button>
            <Button size="xs" variant="default" onClick={() => setDialog('split')} disabled={person.identifiers.filter((i) => i.verified).length < 2}>{t('correct.split')}</Button>
          </Group>
        )
      }
    >
      {past}
      {as_of && <Badge mb="sm" color="grape" variant="light" tt="none" size="lg">{t('person.asOf', { time: dateTime(as_of, language) })}</Badge>}
      {!phone && cards}
      <Tabs value={tab} onChange={(v) => set({ tab: v === 'why' || v === 'card' ? v : undefined })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="timeline">{t('person.timeline')}</Tabs.Tab>
          {phone && <Tabs.Tab value="card">{t('person.facts')}</Tabs.Tab>}
          <Tabs.Tab value="why">{t('person.why')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="timeline"><Timeline id={person.id} search={search} set={set} /></Tabs.Panel>
        <Tabs.Panel value="card">{cards}</Tabs.Panel>
        <Tabs.Panel value="why"><Why person={person} at={as_of} /></Tabs.Panel>
      </Tabs>
      {dialog === 'merge' && <MergeDialog person={person} close={() => setDialog(null)} />}
      {dialog === 'split' && <SplitDialog person={person} close={() => setDialog(null)} />}
    </Page>
  )
}

function Identifiers({ person }: { person: Person }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const typeName = useTypeName()
  const [all, setAll] = useState(false)
  const list = all ? person.identifiers : person.identifiers.slice(0, 6)
  return (
    <Paper withBorder p="md" component="section" aria-label={t('person.identifiers')}>
      <Title order={2} size="h5" mb="xs">{t('person.identifiers')}</Title>
      <Stack gap={8}>
        {list.map((i) => (
          <Group key={`${i.type}:${i.value}:${i.verified}`} justify="space-between" wrap="nowrap" gap="xs">
            <div>
              <Text size="sm" fw={500} className="breaks" dir="auto">{i.value.slice(0, 300)}</Text>
              <Text size="xs" c="dimmed">{typeName(i.type)} · {t('person.lastUsed', { date: date(i.last_seen, language) })}</Text>
            </div>
            <Trust verified={i.verified} />
          </Group>
        ))}
        {list.length < person.identifiers.length && (
          <Button size="compact-sm" variant="default" onClick={() => setAll(true)}>{t('state.all', { count: person.identifiers.length })}</Button>
        )}
      </Stack>
    </Paper>
  )
}

function Facts({ person, account }: { person: Person; account?: string }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const names = useNames()
  const most = Math.max(1, ...person.channels.map((c) => c.touchpoints))
  return (
    <Paper withBorder p="md" component="section" aria-label={t('person.facts')}>
      <Title order={2} size="h5" mb="xs">{t('person.facts')}</Title>
      <Table verticalSpacing={3} horizontalSpacing={0} mb="sm">
        <Table.Tbody>
          {account && <Fact name={t('person.account')} value={account} />}
          {person.preferred_channel && <Fact name={t('person.preferred')} value={names.channel(person.preferred_channel)} />}
          <Fact name={t('person.touchpoints')} value={number(person.touchpoints, language)} />
          <Fact name={t('person.conversations')} value={number(person.conversations, language)} />
          {person.first_seen && <Fact name={t('person.since')} value={date(person.first_seen, language)} meaning={t('person.sinceMeaning')} />}
          {person.last_seen && <Fact name={t('person.lastSeen')} value={dateTime(person.last_seen, language)} />}
        </Table.Tbody>
      </Table>
      <Stack gap={6}>
        {person.channels.slice(0, 8).map((c) => (
          <Group key={c.channel} gap="xs" wrap="nowrap">
            <ChannelSign channel={c.channel} size={22} />
            <Text size="xs" w={92} className="breaks">{names.channel(c.channel)}</Text>
            <div style={{ flex: 1 }} aria-hidden>
              <div className="bar" style={{ width: `${Math.max(2, (100 * c.touchpoints) / most)}%` }} />
            </div>
            <Text size="xs" className="numbers" w={40}>{number(c.touchpoints, language)}</Text>
          </Group>
        ))}
      </Stack>
    </Paper>
  )
}

function Fact({ name, value, meaning }: { name: string; value: string; meaning?: string }) {
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400} c="dimmed">
        {meaning ? (
          <Tooltip label={meaning} multiline w={260} events={{ hover: true, focus: true, touch: true }}>
            <Text span inherit tabIndex={0} className="explained">{name}</Text>
          </Tooltip>
        ) : (
          name
        )}
      </Table.Th>
      <Table.Td ta="right" className="breaks">{value}</Table.Td>
    </Table.Tr>
  )
}

function Open({ person }: { person: Person }) {
  const { t } = useTranslation()
  const names = useNames()
  return (
    <Paper withBorder p="md" component="section" aria-label={t('person.open')}>
      <Title order={2} size="h5" mb="xs">{t('person.open')}</Title>
      {person.open_conversations.length === 0 ? (
        <Text size="sm" c="dimmed">{t('person.noneOpen')} {person.conversations > 0 && t('person.noneOpenHint')}</Text>
      ) : (
        <div role="list">
          {person.open_conversations.slice(0, 5).map((c) => (
            <Row key={c.id} conversation={{ ...c, opening: { identifiers: [], name: c.topic || t('conversation.title'), subject: c.last_touchpoint?.subject, text: c.last_touchpoint?.text?.slice(0, 200) || (c.last_touchpoint && names.kind(c.last_touchpoint.kind)) || '' } }} />
          ))}
        </div>
      )}
    </Paper>
  )
}
