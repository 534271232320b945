import { Anchor, Badge, Button, Group, Paper, Stack, Tabs, Text, Title } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, must } from '../api'
import { byOwner, type Crack, evidenceOf, type Kind, kindsOf } from '../cracks'
import { cut, dateTime, duration, number } from '../format'
import { atLeast, cracksCount, mostCracks } from '../overview'
import { ChannelSign } from '../parts/Channel'
import { ChannelFilter, Filters, ValueFilter } from '../parts/Filters'
import { Go } from '../parts/Go'
import { useTypeName } from '../parts/Identifier'
import { Page } from '../parts/Shell'
import { Clear, Empty, Failed, Loading, Outdated } from '../parts/States'
import { asking } from '../queries'
import type { CracksSearch } from '../searches'
import { useLanguage, useNow } from '../use'

/** What falls through, kind by kind, by who had it last. */
export function CracksPage() {
  const { t } = useTranslation()
  const language = useLanguage()
  const search = useSearch({ strict: false }) as CracksSearch
  const navigate = useNavigate()
  const set = (change: Partial<CracksSearch>) => void navigate({ to: '/cracks', search: { ...search, ...change }, replace: true })
  const of = { team: search.team, agent: search.agent, channel: search.channel, topic: search.topic, days: search.days }
  const filters = [search.team, search.agent, search.channel, search.topic].filter(Boolean).length
  const count = useQuery({ ...cracksCount(of), refetchInterval: asking(60_000), placeholderData: keepPreviousData })
  const { kinds, kind } = kindsOf(count.data?.counts ?? {}, search.kind)
  return (
    <Page title={t('menu.cracks')}>
      <Text c="dimmed" mb="sm">
        {t('cracks.lead')}
        {search.days && <> · {t('overview.ofDays', { count: search.days })} · <Anchor component="button" type="button" onClick={() => set({ days: undefined })}>{t('cracks.longer')}</Anchor></>}
      </Text>
      <Filters set={filters}>
        <ChannelFilter value={search.channel} onChange={(channel) => set({ channel })} />
        <ValueFilter dimension="team" value={search.team} onChange={(team) => set({ team })} />
        <ValueFilter dimension="agent" value={search.agent} onChange={(agent) => set({ agent })} />
        <ValueFilter dimension="topic" value={search.topic} onChange={(topic) => set({ topic })} />
      </Filters>
      {count.isPending ? (
        <Loading lines={8} />
      ) : !count.data ? (
        <Failed error={count.error} retry={() => void count.refetch()} />
      ) : !kind ? (
        filters > 0 ? (
          <Empty title={t('inbox.noneFiltered')} hint={t('inbox.noneFilteredHint')}>
            <Button mt="sm" variant="default" onClick={() => set({ team: undefined, agent: undefined, channel: undefined, topic: undefined })}>{t('filter.clear')}</Button>
          </Empty>
        ) : (
          <Clear title={t('cracks.none')} hint={t('cracks.noneHint')} />
        )
      ) : (
        <Tabs value={kind} onChange={(v) => set({ kind: v as Kind })} mt="md" variant="pills" keepMounted={false}>
          <Outdated of={count} />
          <Tabs.List mb="md" aria-label={t('cracks.kind')}>
            {kinds.map((k) => (
              <Tabs.Tab key={k} value={k} rightSection={<span className="word">{atLeast(count.data.counts[k] ?? 0, count.data.truncated.includes(k), language)}</span>}>
                {t(`cracks.kinds.${k}`)}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          <Tabs.Panel value={kind}>
            <OfKind key={`${kind} ${JSON.stringify(of)}`} kind={kind} of={of} many={count.data.truncated.includes(kind)} />
          </Tabs.Panel>
        </Tabs>
      )}
    </Page>
  )
}

/** How many rows are shown before somebody asks for more, and how many the server lists at most. */
const rowsAtFirst = 50
const listed = 1000

interface OfKindProps {
  kind: Kind
  of: Omit<CracksSearch, 'kind'>
  many: boolean // more than are counted
}

function OfKind({ kind, of, many }: OfKindProps) {
  const { t } = useTranslation()
  const language = useLanguage()
  const [most, setMost] = useState(rowsAtFirst)
  const limit = most <= mostCracks ? mostCracks : listed
  const cracks = useQuery({
    queryKey: ['cracks', kind, of, limit, language], refetchInterval: asking(60_000), placeholderData: keepPreviousData,
    queryFn: () => must(api.GET('/v1/cracks', { params: { query: { kind: [kind], ...of, limit, mended_days: 7, customers: true, lang: language } } })),
  })
  if (cracks.isPending) return <Loading lines={8} />
  if (!cracks.data) return <Failed error={cracks.error} retry={() => void cracks.refetch()} />
  const cutShort = cracks.data.truncated.includes(kind) // what falls through, or what is mended
  const more = many && cutShort
  const { mended } = cracks.data
  return (
    <Stack gap="xl">
      {cracks.isError && <Outdated of={cracks} />}
      {more && <Text size="sm" c="dimmed">{t('cracks.truncated', { n: number(cracks.data.cracks.length, language) })}</Text>}
      {cracks.data.cracks.length === 0 && <Text c="dimmed">{t('cracks.noneOfKind')}</Text>}
      {byOwner(cracks.data.cracks, most).map((g) => <Lines key={g.owner} title={g.owner || t('cracks.nobody')} count={atLeast(g.count, more, language)} cracks={g.shown} />)}
      {(cracks.data.cracks.length > most || (more && most < listed)) && (
        <Button variant="default" onClick={() => setMost(most + rowsAtFirst)} loading={cracks.isPlaceholderData} style={{ alignSelf: 'flex-start' }}>{t('state.more')}</Button>
      )}
      {mended.length > 0 && <Lines title={t('cracks.mended')} count={atLeast(mended.length, cutShort && mended.length >= limit, language)} cracks={mended.slice(0, rowsAtFirst)} />}
    </Stack>
  )
}

function Lines({ title, count, cracks }: { title: string; count: string; cracks: Crack[] }) {
  return (
    <section aria-label={title}>
      <Group gap="xs" mb="xs">
        <Title order={2} size="h4" className="breaks">{title}</Title>
        <Badge variant="light" color="gray">{count}</Badge>
      </Group>
      <Paper withBorder role="list">{cracks.map((c, i) => <Line key={`${c.conversation ?? c.person}${i}`} crack={c} />)}</Paper>
    </section>
  )
}

/** The row opens what fell through; only whose it is, beside it, opens the customer. */
function Line({ crack: c }: { crack: Crack }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const typeName = useTypeName()
  const now = useNow(30_000)
  const who = c.customer && c.customer.type !== 'anchor' ? `${typeName(c.customer.type)}: ${c.customer.value}` : t('conversation.somebody')
  return (
    <div role="listitem" className="row covered">
      <Group gap="sm" wrap="nowrap" miw={0} align="flex-start">
        <ChannelSign channel={c.channel} />
        <Stack gap={2} miw={0}>
          <Go className="covers breaks" to={c.conversation ? `/conversations/${c.conversation}` : `/people/${c.person}`}>{who}</Go>
          {evidenceOf(c).map((e, i) => (
            <Text key={e.id + i} size="xs" c="dimmed" className="breaks" dir="auto">{dateTime(e.time, language)}: {cut(e.said, 300)}</Text>
          ))}
          {c.mended && <Text size="xs" className="breaks" dir="auto">{t('cracks.mendedBy', { time: dateTime(c.mended.time, language), said: cut(c.mended.said, 300) })}</Text>}
          {c.conversation && <Anchor className="beside" component={Go} to={`/people/${c.person}`} size="xs">{t('conversation.openCard')}</Anchor>}
        </Stack>
      </Group>
      <Stack gap={2} align="flex-end">
        <Badge color={c.mended ? 'green' : 'red'} variant="light" tt="none">{duration((c.mended ? Date.parse(c.mended.time) : now) - Date.parse(c.since), language)}</Badge>
        {c.topic && <Text size="xs" c="dimmed" className="breaks">{c.topic}</Text>}
      </Stack>
    </div>
  )
}
