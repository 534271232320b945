import { Autocomplete, Box, Group, Text } from '@mantine/core'
import { useDebouncedValue, useFocusWithin } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Search } from 'lucide-react'
import { type Ref, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, must } from '../api'
import { useTypeName } from './Identifier'

interface Props {
  onFind: (person: string) => void
  label: string
  autoFocus?: boolean
  inputRef?: Ref<HTMLInputElement>
  except?: string // a person who is not looked for
}

function Option({ value, sort }: { value: string; sort: string }) {
  return (
    <Group justify="space-between" wrap="nowrap" w="100%" miw={0}>
      <Text span size="sm" fw={600} className="line">{value}</Text>
      <Text span size="xs" c="dimmed" className="line">{sort}</Text>
    </Group>
  )
}

/** Finds a customer by any identifier or name while somebody types. That nobody is found yet is no mistake: a hint says so. */
export function SearchBox({ onFind, label, autoFocus, inputRef, except }: Props) {
  const { t } = useTranslation()
  const typeName = useTypeName()
  const [text, setText] = useState('')
  const { ref: box, focused } = useFocusWithin<HTMLDivElement>()
  const picked = useRef(false)
  const [asked] = useDebouncedValue(text.trim(), 180)
  const search = useQuery({
    queryKey: ['search', asked],
    queryFn: () => must(api.GET('/v1/search', { params: { query: { q: asked } } })),
    enabled: asked !== '',
    placeholderData: keepPreviousData,
  })
  const current = asked === text.trim() && !search.isPlaceholderData
  const found = (asked === '' ? [] : (search.data?.found ?? [])).filter((f) => f.person !== except)
  const whole = found.filter((f) => f.whole)
  const meant = whole.length === 1 ? whole[0] : found.length === 1 ? found[0] : undefined
  const go = (person: string) => {
    setText('')
    onFind(person)
  }
  const hint = text.trim() === '' || found.length > 0 ? '' : search.isError ? t('search.failed') : t('search.nobody')
  return (
    <Box pos="relative" ref={box}>
      <Autocomplete
        ref={inputRef}
        aria-label={label}
        placeholder={t('search.placeholder')}
        leftSection={<Search size={16} aria-hidden />}
        autoFocus={autoFocus}
        value={text}
        // The library writes the label of what was picked into the box: nobody typed that.
        onChange={(value) => {
          if (!picked.current) setText(value)
          picked.current = false
        }}
        data={found.map((f) => ({ value: f.person, label: `${typeName(f.by.type)}: ${f.by.value}${f.also ? ` · ${f.also.value}` : ''}` }))}
        filter={({ options }) => options}
        renderOption={({ option }) => {
          const f = found.find((f) => f.person === option.value)
          return f ? <Option value={f.by.value} sort={f.also?.value ?? typeName(f.by.type)} /> : option.value
        }}
        onOptionSubmit={(person) => {
          picked.current = true
          go(person)
        }}
        onKeyDown={(e) => {
          if (e.key === 'Enter' && current && meant) go(meant.person)
        }}
        maxLength={1024}
        comboboxProps={{ shadow: 'md' }}
      />
      <div role="status">
        {focused && hint && (
          <Text size="xs" c="dimmed" className="hint">
            {hint}
          </Text>
        )}
      </div>
    </Box>
  )
}
