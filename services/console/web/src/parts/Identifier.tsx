import { Badge, Group, Text, Tooltip } from '@mantine/core'
import { useTranslation } from 'react-i18next'

/** What a type of identifiers is called; a workspace may have types that we have no word for. */
export function useTypeName() {
  const { t } = useTranslation()
  return (type: string) => {
    const claimed = type.startsWith('claimed:')
    const name = claimed ? type.slice('claimed:'.length) : type
    const word = t(`identifier.type.${name}`, { defaultValue: name.replaceAll('_', ' ') })
    return claimed ? t('identifier.claimedType', { type: word }) : word
  }
}

export function Trust({ verified }: { verified: boolean }) {
  const { t } = useTranslation()
  return (
    <Tooltip label={t(verified ? 'identifier.verifiedHint' : 'identifier.claimedHint')} multiline w={260}>
      <Badge size="sm" variant="light" color={verified ? 'green' : 'yellow'} tt="none">
        {t(verified ? 'identifier.verified' : 'identifier.claimed')}
      </Badge>
    </Tooltip>
  )
}

export function NodeText({ node }: { node: { type: string; value: string } }) {
  const typeName = useTypeName()
  return (
    <Group gap={6} wrap="nowrap" align="baseline" component="span" display="inline-flex">
      <Text span size="xs" c="dimmed">
        {typeName(node.type)}
      </Text>
      <Text span className="breaks" fw={500}>
        {node.value}
      </Text>
    </Group>
  )
}
