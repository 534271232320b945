import { Box, Button, Group, MultiSelect } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { ListFilter } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useNames, useRegistry, useValues } from '../use'

/** Filters in a line; where there is no room for one, behind a button that says how many are set. */
export function Filters({ set, children }: { set: number; children: ReactNode }) {
  const { t } = useTranslation()
  const [opened, { toggle }] = useDisclosure(false)
  return (
    <Box>
      <Button hiddenFrom="xs" variant="default" size="xs" leftSection={<ListFilter size={14} aria-hidden />} onClick={toggle} aria-expanded={opened}>
        {t('filter.filters', { count: set })}
      </Button>
      <Group gap="xs" align="flex-end" mt={{ base: 'xs', xs: 0 }} display={{ base: opened ? 'flex' : 'none', xs: 'flex' }}>
        {children}
      </Group>
    </Box>
  )
}

interface FilterProps {
  label: string
  value?: string[]
  onChange: (v: string[] | undefined) => void
  data: { value: string; label: string }[]
  onOpen?: () => void
}

export function Filter({ label, value = [], onChange, data, onOpen }: FilterProps) {
  return (
    <MultiSelect
      aria-label={label}
      placeholder={value.length === 0 ? label : undefined}
      value={value}
      onChange={(v) => onChange(v.length ? v : undefined)}
      // A value of the address that nothing has any more is still shown, so that it can be taken away.
      data={[...data, ...value.filter((v) => !data.some((d) => d.value === v)).map((v) => ({ value: v, label: v }))]}
      onDropdownOpen={onOpen}
      searchable
      classNames={{ inputField: 'beside-pills' }}
      clearable
      clearButtonProps={{ 'aria-label': `${label} ×` }}
      w={{ base: '100%', xs: 180 }}
      maxValues={50}
    />
  )
}

export function ChannelFilter({ value, onChange }: Pick<FilterProps, 'value' | 'onChange'>) {
  const { t } = useTranslation()
  const names = useNames()
  const registry = useRegistry().data
  return <Filter label={t('filter.channel')} value={value} onChange={onChange} data={(registry?.channels ?? []).map((c) => ({ value: c.name, label: names.channel(c.name) }))} />
}

export function ValueFilter({ dimension, value, onChange }: Pick<FilterProps, 'value' | 'onChange'> & { dimension: 'team' | 'agent' | 'topic' }) {
  const { t } = useTranslation()
  const [opened, { open }] = useDisclosure(false)
  const values = useValues(dimension, opened)
  return <Filter onOpen={open} label={t(`filter.${dimension}`)} value={value} onChange={onChange} data={(values.data ?? []).map((v) => ({ value: v, label: v }))} />
}
