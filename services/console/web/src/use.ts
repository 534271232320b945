import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, must, type Schemas } from './api'
import type { Language } from './format'
import { readReport } from './reports'

export function useLanguage(): Language {
  const { i18n } = useTranslation()
  return i18n.language === 'de' ? 'de' : 'en'
}

/** The time, again and again: for how long somebody has waited. */
export function useNow(every = 1000): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const tick = setInterval(() => setNow(Date.now()), every)
    return () => clearInterval(tick)
  }, [every])
  return now
}

const forGood = 5 * 60_000

export const registryQuery = queryOptions({ queryKey: ['registry'], queryFn: () => must(api.GET('/v1/registry')), staleTime: forGood })
export const measuresQuery = queryOptions({ queryKey: ['measures'], queryFn: () => must(api.GET('/v1/measures')), staleTime: forGood })

export const statusQuery = queryOptions({ queryKey: ['status'], queryFn: () => must(api.GET('/v1/status')) })

export const sourcesQuery = queryOptions({ queryKey: ['sources'], queryFn: () => must(api.GET('/v1/status/sources')) })

export function useRegistry() {
  return useQuery(registryQuery)
}

export function useSession() {
  return useQuery({
    queryKey: ['session'],
    queryFn: async (): Promise<Schemas['Session'] | null> => (await must(api.GET('/v1/session'))) ?? null,
    staleTime: forGood,
  })
}

/** Whether the key that somebody signed in with has a scope. */
export function useMay(scope: 'read' | 'write' | 'admin'): boolean {
  return useSession().data?.scopes.includes(scope) ?? false
}

export function useMeasures() {
  return useQuery(measuresQuery)
}

/** What channels, kinds and schemes are called. */
export function useNames() {
  const registry = useRegistry().data
  const language = useLanguage()
  const of = (list: { name: string; label: Schemas['Label'] }[] | undefined) => (name: string) =>
    list?.find((c) => c.name === name)?.label[language] ?? name
  return { channel: of(registry?.channels), kind: of(registry?.kinds), scheme: of(registry?.schemes) }
}

const dimensions = ['team', 'agent', 'topic'] as const

/** The values that conversations of the last 30 days have, for filters. */
export function useValues(dimension: (typeof dimensions)[number], enabled: boolean) {
  return useQuery({
    enabled,
    queryKey: ['values', dimension],
    queryFn: async () => {
      const report = await readReport('conversations', { by: [dimension], figures: ['count'], limit: 200 })
      return report.rows.map((r) => String(r[dimension] ?? '')).filter((v) => v !== '')
    },
    staleTime: forGood,
    placeholderData: keepPreviousData,
  })
}
