import { Badge, Button, Code, Drawer, Group, Paper, SegmentedControl, SimpleGrid, Stack, Table, Text, Textarea, Title } from '@mantine/core'
import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, must, Problem, type Schemas } from '../api'
import { ago, dateTime, number } from '../format'
import { Page } from '../parts/Shell'
import { Found } from './Found'
import { Empty, Failed, Loading, Outdated } from '../parts/States'
import { statusQuery, useLanguage, useMay } from '../use'
import { Audit } from './Audit'
import { Sources } from './Sources'

type Letter = Schemas['DeadLetter']

export function QualityPage() {
  const { t } = useTranslation()
  const nothing = useQuery(statusQuery).data?.newest_visible === null // nothing has ever come in: then all being well says nothing
  return (
    <Page title={t('menu.quality')}>
      <Stack gap="xl">
        {nothing && <Empty title={t('overview.none')} hint={t('overview.noneHint')} />}
        <DeadLetters nothing={nothing} />
        <Status />
        <Sources />
        <Audit />
        {!nothing && <Found />}
      </Stack>
    </Page>
  )
}

function Status() {
  const { t } = useTranslation()
  const language = useLanguage()
  const status = useQuery({ ...statusQuery, refetchInterval: 5000 })
  if (status.isPending) return <Loading lines={3} />
  if (!status.data) return <Failed error={status.error} retry={() => void status.refetch()} />
  const s = status.data
  const counts = ['accepted', 'stored', 'duplicates', 'refused', 'conflicts'] as const
  const tiles: [string, string, string][] = [
    [t('quality.newest'), s.age_seconds === null ? '–' : t('quality.ago', { time: ago(s.age_seconds * 1000, language) }), t('quality.newestHint')],
    ...counts.map((c): [string, string, string] => [t(`quality.${c}`), number(s[c], language), t(`quality.${c}Hint`)]),
  ]
  return (
    <section aria-label={t('quality.freshness')}>
      <Title order={2} size="h4">{t('quality.freshness')}</Title>
      <Text size="sm" c="dimmed" mb="sm">{t('quality.since')}</Text>
      <Outdated of={status} />
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }} mb="md">
        {tiles.map(([name, value, hint]) => (
          <Paper key={name} withBorder p="sm">
            <Text size="xs" c="dimmed">{name}</Text>
            <Text fw={650} size="lg" className="breaks">{value}</Text>
            <Text size="xs" c="dimmed">{hint}</Text>
          </Paper>
        ))}
      </SimpleGrid>
      <Text size="sm" c="dimmed" mb="xs">{t('quality.rolesHint')}</Text>
      <Paper withBorder className="scroll" tabIndex={0} role="region" aria-label={t('quality.roles')}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('quality.role')}</Table.Th>
              <Table.Th className="numbers">{t('quality.lag')}</Table.Th>
              <Table.Th className="numbers">{t('quality.rate')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {s.roles.map((r) => (
              <Table.Tr key={r.role}>
                <Table.Td>
                  {t(`quality.roleNames.${r.role.replace('.', '_')}`, { defaultValue: r.role })} <Text span size="xs" c="dimmed">{r.role}</Text>
                </Table.Td>
                <Table.Td className="numbers">
                  <Badge color={r.lag === 0 ? 'green' : r.lag < 10_000 ? 'yellow' : 'red'} variant="light">{number(r.lag, language)}</Badge>
                </Table.Td>
                <Table.Td className="numbers">{r.rate === null ? '–' : number(r.rate, language)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Paper>
    </section>
  )
}

function DeadLetters({ nothing }: { nothing: boolean }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const [status, setStatus] = useState<'kept' | 'resent'>('kept')
  const [open, setOpen] = useState<string | null>(null)
  const list = useInfiniteQuery({
    queryKey: ['dead-letters', status],
    queryFn: ({ pageParam }) => must(api.GET('/v1/dead-letters', { params: { query: { status: [status], limit: 50, cursor: pageParam || undefined } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  })
  const letters = list.data?.pages.flatMap((p) => p.dead_letters) ?? []
  if (nothing && status === 'kept' && letters.length === 0) return null
  return (
    <section aria-label={t('quality.letters')}>
      <Group justify="space-between" mb="sm">
        <div>
          <Title order={2} size="h4">{t('quality.letters')}</Title>
          <Text size="sm" c="dimmed">{t('quality.lettersHint')}</Text>
        </div>
        <SegmentedControl
          aria-label={t('quality.status')}
          value={status}
          onChange={(v) => setStatus(v as 'kept' | 'resent')}
          data={[{ value: 'kept', label: t('quality.kept') }, { value: 'resent', label: t('quality.resent') }]}
        />
      </Group>
      {list.data && <Outdated of={list} />}
      {list.isPending ? (
        <Loading lines={3} />
      ) : !list.data ? (
        <Failed error={list.error} retry={() => void list.refetch()} />
      ) : letters.length === 0 ? (
        <Empty title={t(`quality.none.${status}`)} hint={t(`quality.none.${status}Hint`)} />
      ) : (
        <Paper withBorder className="scroll" tabIndex={0} role="region" aria-label={t('quality.letters')}>
          <Table miw={620}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('quality.time')}</Table.Th>
                <Table.Th>{t('quality.source')}</Table.Th>
                <Table.Th miw={110}>{t('quality.field')}</Table.Th>
                <Table.Th>{t('quality.reason')}</Table.Th>
                <Table.Th />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {letters.map((l) => (
                <Table.Tr key={l.id}>
                  <Table.Td>{dateTime(l.time, language)}</Table.Td>
                  <Table.Td>{l.source}</Table.Td>
                  <Table.Td className="breaks">{l.field || '–'}</Table.Td>
                  <Table.Td className="breaks">{l.reason}</Table.Td>
                  <Table.Td ta="right">
                    <Button size="compact-sm" variant="default" onClick={() => setOpen(l.id)}>{t(status === 'kept' ? 'quality.repair' : 'quality.look')}</Button>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Paper>
      )}
      {list.hasNextPage && <Button mt="sm" variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t('state.more')}</Button>}
      <Drawer opened={open !== null} onClose={() => setOpen(null)} position="right" size="lg" title={t('quality.letter')} closeButtonProps={{ 'aria-label': t('state.close') }}>
        {open && <LetterDetail id={open} close={() => setOpen(null)} />}
      </Drawer>
    </section>
  )
}

function LetterDetail({ id, close }: { id: string; close: () => void }) {
  const letter = useQuery({ queryKey: ['dead-letter', id], queryFn: () => must(api.GET('/v1/dead-letters/{id}', { params: { path: { id } } })) })
  if (letter.isPending) return <Loading lines={4} />
  if (letter.isError) return <Failed error={letter.error} retry={() => void letter.refetch()} />
  return <Repair letter={letter.data} close={close} />
}

const pretty = (text: string | undefined) => {
  try {
    return JSON.stringify(JSON.parse(text ?? ''), null, 2)
  } catch {
    return text ?? ''
  }
}

function Repair({ letter, close }: { letter: Letter; close: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const may = useMay('write')
  const queries = useQueryClient()
  const before = pretty(letter.text)
  const [text, setText] = useState(before)
  const resend = useMutation({
    mutationFn: () => {
      let body: Schemas['NewTouchpoint']
      try {
        body = JSON.parse(text)
      } catch (e) {
        throw new Problem(-1, String(e))
      }
      return must(api.POST('/v1/dead-letters/{id}/resend', { params: { path: { id: letter.id } }, body }))
    },
    onSuccess: async () => {
      close()
      await queries.invalidateQueries({ queryKey: ['dead-letters'] })
    },
  })
  return (
    <Stack>
      <Text className="breaks"><b>{letter.field || t('quality.reason')}</b>: {letter.reason}</Text>
      <Text size="sm" c="dimmed" className="breaks">{dateTime(letter.time, language)} · {letter.source} · <Code>{letter.position}</Code></Text>
      {letter.text === undefined ? (
        <Text>{t('quality.binary', { count: letter.size, n: number(letter.size, language) })}</Text>
      ) : (
        <Textarea label={t('quality.content')} description={may && letter.status === 'kept' ? t('quality.contentHint') : undefined} value={text} onChange={(e) => setText(e.currentTarget.value)}
          readOnly={!may || letter.status !== 'kept'} autosize minRows={10} maxRows={24} ff="monospace" spellCheck={false} styles={{ input: { fontFamily: 'monospace' } }} />
      )}
      {resend.isError && <Failed error={resend.error} />}
      {may && letter.status === 'kept' && letter.text !== undefined && (
        <Group justify="flex-end">
          <Button variant="default" onClick={() => setText(before)} disabled={text === before}>{t('quality.undo')}</Button>
          <Button loading={resend.isPending} onClick={() => resend.mutate()}>{t('quality.resend')}</Button>
        </Group>
      )}
    </Stack>
  )
}
