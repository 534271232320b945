import { Badge, Button, Group, Table, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { duration, money } from '../format'
import { ChannelSign } from '../parts/Channel'
import { Scroll } from '../parts/Scroll'
import { Page } from '../parts/Shell'
import { Failed, Loading } from '../parts/States'
import { useLanguage, useMay, useRegistry } from '../use'
import { type Channel, ChannelForm } from './ChannelForm'

export function ChannelsPage() {
  const { t } = useTranslation()
  const language = useLanguage()
  const registry = useRegistry()
  const may = useMay('admin')
  const [edited, setEdited] = useState<Channel | null>(null)
  return (
    <Page title={t('menu.channels')}>
      <Text c="dimmed" mb="md" maw={780}>{t('channels.lead')} {t(may ? 'channels.leadMay' : 'channels.leadMayNot')}</Text>
      {registry.isPending ? (
        <Loading />
      ) : registry.isError ? (
        <Failed error={registry.error} retry={() => void registry.refetch()} />
      ) : (
        <Scroll label={t('menu.channels')}>
          <Table miw={may ? 760 : 660}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('channels.channel')}</Table.Th>
                {may && <Table.Th><span className="hidden">{t('channels.edit')}</span></Table.Th>}
                <Table.Th>{t('channels.way')}</Table.Th>
                <Table.Th className="numbers">{t('channels.respond')}</Table.Th>
                <Table.Th>{t('channels.tone')}</Table.Th>
                <Table.Th className="numbers">{t('channels.cost')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {registry.data.channels.map((c) => (
                <Table.Tr key={c.name}>
                  <Table.Td>
                    <Group gap="xs" wrap="nowrap">
                      <ChannelSign channel={c.name} />
                      {c.label[language]}
                      {c.own && <Badge size="sm" variant="light" tt="none">{t('channels.own')}</Badge>}
                    </Group>
                  </Table.Td>
                  {may && <Table.Td><Button size="compact-sm" variant="default" aria-label={t('channels.editOne', { channel: c.label[language] })} onClick={() => setEdited(c)}>{t('channels.edit')}</Button></Table.Td>}
                  <Table.Td className="word">{t(c.synchronous ? 'channels.synchronous' : 'channels.asynchronous')}</Table.Td>
                  <Table.Td className="numbers">{duration(c.respond_seconds * 1000, language)}</Table.Td>
                  <Table.Td>{t(`channels.tones.${c.tone}`, { defaultValue: c.tone })}</Table.Td>
                  <Table.Td className="numbers">{money(c.cost, language)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Scroll>
      )}
      <ChannelForm channel={edited} close={() => setEdited(null)} />
    </Page>
  )
}
