import { Anchor, Badge, Button, Group, Paper, Select, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { api, must, type Schemas } from '../api'
import { dateTime, duration, inDots, number } from '../format'
import { ChannelSign } from '../parts/Channel'
import { Filters, ValueFilter } from '../parts/Filters'
import { Go } from '../parts/Go'
import { useTypeName } from '../parts/Identifier'
import { Page } from '../parts/Shell'
import { Empty, Failed, Loading } from '../parts/States'
import { type CracksSearch, crackKinds } from '../searches'
import { useLanguage, useNow } from '../use'

type Crack = Schemas['Cracks']['cracks'][number]

/** What falls through, by who had it last. */
export function CracksPage() {
  const { t } = useTranslation()
  const language = useLanguage()
  const search = useSearch({ strict: false }) as CracksSearch
  const navigate = useNavigate()
  const set = (change: Partial<CracksSearch>) => void navigate({ to: '/cracks', search: { ...search, ...change }, replace: true })
  const cracks = useQuery({
    queryKey: ['cracks', search, language],
    queryFn: () => must(api.GET('/v1/cracks', { params: { query: { kind: search.kind && [search.kind], team: search.team, agent: search.agent, days: search.days, mended_days: 7, customers: true, lang: language } } })),
    refetchInterval: 60_000,
  })
  const owners = cracks.data ? byOwner(cracks.data.cracks) : []
  return (
    <Page title={t('menu.cracks')}>
      <Text c="dimmed" mb="sm">
        {t('cracks.lead')}
        {search.days && <> · {t('overview.ofDays', { count: search.days })} · <Anchor component="button" type="button" onClick={() => set({ days: undefined })}>{t('cracks.longer')}</Anchor></>}
      </Text>
      <Filters set={[search.kind, search.team, search.agent].filter(Boolean).length}>
        <Select
          aria-label={t('cracks.kind')} placeholder={t('cracks.kind')} value={search.kind ?? null} onChange={(v) => set({ kind: (v as CracksSearch['kind']) ?? undefined })} clearable clearButtonProps={{ 'aria-label': t('filter.clear') }}
          data={crackKinds.map((k) => ({ value: k, label: t(`cracks.kinds.${k}`) + (cracks.data?.counts[k] ? ` (${number(cracks.data.counts[k], language)})` : '') }))} w={{ base: '100%', xs: 320 }}
        />
        <ValueFilter dimension="team" value={search.team} onChange={(team) => set({ team })} />
        <ValueFilter dimension="agent" value={search.agent} onChange={(agent) => set({ agent })} />
      </Filters>
      <Stack mt="md" gap="xl">
        {cracks.isPending ? (
          <Loading lines={8} />
        ) : cracks.isError ? (
          <Failed error={cracks.error} retry={() => void cracks.refetch()} />
        ) : owners.length === 0 && cracks.data.mended.length === 0 ? (
          <Empty title={t('cracks.none')} hint={t('cracks.noneHint')}>
            {(search.kind || search.team || search.agent) && <Button mt="sm" variant="default" onClick={() => set({ kind: undefined, team: undefined, agent: undefined })}>{t('filter.clear')}</Button>}
          </Empty>
        ) : (
          <>
            {owners.map(([owner, list]) => (
              <section key={owner} aria-label={owner || t('cracks.nobody')}>
                <Group gap="xs" mb="xs">
                  <Title order={2} size="h4">{owner || t('cracks.nobody')}</Title>
                  <Badge variant="light" color="gray">{number(list.length, language)}</Badge>
                </Group>
                <Paper withBorder>
                  <div role="list">{list.map((c, i) => <Line key={`${c.kind}${c.conversation ?? c.person}${i}`} crack={c} />)}</div>
                </Paper>
              </section>
            ))}
            {cracks.data.mended.length > 0 && (
              <section aria-label={t('cracks.mended')}>
                <Group gap="xs" mb="xs">
                  <Title order={2} size="h4">{t('cracks.mended')}</Title>
                  <Badge variant="light" color="gray">{number(cracks.data.mended.length, language)}</Badge>
                </Group>
                <Paper withBorder>
                  <div role="list">{cracks.data.mended.map((c, i) => <Line key={`${c.kind}${c.conversation ?? c.person}${i}`} crack={c} />)}</div>
                </Paper>
              </section>
            )}
            {cracks.data.truncated.length > 0 && <Text size="sm" c="dimmed">{t('cracks.truncated', { kinds: cracks.data.truncated.map((k) => t(`cracks.kinds.${k}`)).join(', ') })}</Text>}
          </>
        )}
      </Stack>
    </Page>
  )
}

/** Those who have most first, and what nobody has before all of them. */
function byOwner(cracks: Crack[]): [string, Crack[]][] {
  const out = new Map<string, Crack[]>()
  for (const c of cracks) {
    const owner = inDots(c.owner.team, c.owner.agent)
    out.set(owner, [...(out.get(owner) ?? []), c])
  }
  return [...out].sort(([a, x], [b, y]) => Number(a !== '') - Number(b !== '') || y.length - x.length || a.localeCompare(b))
}

function Line({ crack: c }: { crack: Crack }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const typeName = useTypeName()
  const now = useNow(30_000)
  return (
    <div role="listitem" className="row">
      <Group gap="sm" wrap="nowrap" miw={0} align="flex-start">
        <ChannelSign channel={c.channel} />
        <Stack gap={2} miw={0}>
          <Text size="sm" fw={600}>{c.label}</Text>
          {c.evidence.map((e, i) => (
            <Text key={e.id + i} size="xs" c="dimmed" className="breaks" dir="auto">{dateTime(e.time, language)}: {e.said.slice(0, 300)}</Text>
          ))}
          {c.mended && <Text size="xs" className="breaks" dir="auto">{t('cracks.mendedBy', { time: dateTime(c.mended.time, language), said: c.mended.said.slice(0, 300) })}</Text>}
          <Group gap="2px 16px">
            {c.conversation && <Anchor component={Go} to={`/conversations/${c.conversation}`} size="xs">{t('touchpoint.conversation')}</Anchor>}
            <Anchor component={Go} to={`/people/${c.person}`} size="xs" className="breaks">
              {c.customer && c.customer.type !== 'anchor' ? `${typeName(c.customer.type)}: ${c.customer.value}` : t('conversation.openCard')}
            </Anchor>
          </Group>
        </Stack>
      </Group>
      <Stack gap={2} align="flex-end">
        <Badge color={c.mended ? 'green' : 'red'} variant="light" tt="none">{duration((c.mended ? Date.parse(c.mended.time) : now) - Date.parse(c.since), language)}</Badge>
        {c.topic && <Text size="xs" c="dimmed">{c.topic}</Text>}
      </Stack>
    </div>
  )
}
