import { Autocomplete } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Search } from 'lucide-react'
import { type Ref, useState } from 'react'
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

/** Finds a customer by any identifier while somebody types. */
export function SearchBox({ onFind, label, autoFocus, inputRef, except }: Props) {
  const { t } = useTranslation()
  const typeName = useTypeName()
  const [text, setText] = useState('')
  const [asked] = useDebouncedValue(text.trim(), 180)
  const search = useQuery({
    queryKey: ['search', asked],
    queryFn: () => must(api.GET('/v1/search', { params: { query: { q: asked } } })),
    enabled: asked.length >= 2,
    placeholderData: keepPreviousData,
  })
  const current = asked === text.trim() && !search.isPlaceholderData
  const found = (asked.length >= 2 ? (search.data?.found ?? []) : []).filter((f) => f.person !== except)
  const go = (person: string) => {
    setText('')
    onFind(person)
  }
  return (
    <Autocomplete
      ref={inputRef}
      aria-label={label}
      placeholder={t('search.placeholder')}
      leftSection={<Search size={16} aria-hidden />}
      autoFocus={autoFocus}
      value={text}
      onChange={setText}
      data={found.map((f) => ({ value: f.person, label: `${typeName(f.by.type)}: ${f.by.value}` }))}
      filter={({ options }) => options}
      onOptionSubmit={go}
      onKeyDown={(e) => {
        if (e.key === 'Enter' && current && found.length === 1) go(found[0].person)
      }}
      error={current && asked.length >= 2 && search.isSuccess && found.length === 0 ? t('search.nobody') : search.isError ? t('search.failed') : undefined}
      maxLength={1024}
      comboboxProps={{ shadow: 'md' }}
    />
  )
}
