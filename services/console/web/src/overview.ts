import { queryOptions } from '@tanstack/react-query'
import { api, must, type Schemas } from './api'
import { type Language, number } from './format'
import { lastDays, soFar, zone } from './periods'
import { readReport } from './reports'
import type { CracksSearch } from './searches'
import { type ReportRow, valueOf } from './series'

/** The figures of conversations that the overview shows: a report costs what its figures cost. */
const talk = ['count', 'first_response_ms', 'resolution_ms', 'first_response_kept_share', 'first_response_kept', 'first_response_missed', 'csat_share', 'csat_answers']

/** What shares are of. */
const parts: Record<string, string[]> = { first_response_kept_share: ['first_response_kept', 'first_response_missed'], csat_share: ['csat_answers'], fcr_share: ['fcr_resolved', 'fcr_not_resolved'] }

/** Of how many a statistic or a share is; null of what counts. */
export function ofHowMany(row: ReportRow, figure: string): number | null {
  const v = row[figure]
  if (v && typeof v === 'object' && 'n' in v) return Number(v.n)
  return parts[figure]?.reduce((sum, p) => sum + (valueOf(row, p) ?? 0), 0) ?? null
}

/** Of fewer, one more or one less makes the figure another: neither good nor bad is said of it. */
const few = 10

/** Whether a change is good; null where it is neither, or where too few were counted to tell. */
export function isGood(by: number | null, better: 'more' | 'less' | null, ...of: (number | null)[]): boolean | null {
  if (by === null || better === null || Math.abs(by) < 0.005 || of.some((n) => n !== null && n < few)) return null
  return by > 0 === (better === 'more')
}

/**
 * How many days are looked at for what takes days to show: whether a first contact was enough is known a week later, and what falls through does so
 * when nothing has come for a while.
 */
export const knownDays = 30

async function readOverview(days: number) {
  const now = new Date()
  const p = soFar(now, days)
  const tz = zone()
  const [touched, touchedBefore, talked, talkedBefore, waiting, trend, month] = await Promise.all([
    readReport('touchpoints', { by: ['channel'], ...p.now, tz, figures: ['touchpoints', 'people'] }),
    readReport('touchpoints', { by: ['channel'], ...p.before, tz, figures: ['touchpoints', 'people'] }),
    readReport('conversations', { ...p.now, tz, figures: talk }),
    readReport('conversations', { ...p.before, tz, figures: talk }),
    must(api.GET('/v1/conversations', { params: { query: { waiting: true, sort: 'waiting', limit: 5, opening: true, queue: true } } })),
    readReport('touchpoints', { by: ['day'], ...lastDays(now, trendDays(days)), tz, figures: ['touchpoints'] }),
    readReport('conversations', { ...lastDays(now, knownDays), tz, compare: 'previous', figures: ['fcr_share', 'fcr_resolved', 'fcr_not_resolved'] }),
  ])
  return { touched, touchedBefore, talked, talkedBefore, waiting, trend, month, period: p.now }
}

/** How many days the trend goes back. */
export const trendDays = (days: number) => Math.max(14, days)

export type Overview = Awaited<ReturnType<typeof readOverview>>

/** All who wait now, whenever it began. */
export type Queue = NonNullable<Schemas['Conversations']['queue']>

export const overviewQuery = (days: number) => queryOptions({ queryKey: ['overview', days], queryFn: () => readOverview(days) })

/** How much falls through now, of what began in the last days; without them, as far back as the list goes by itself. */
export const cracksCount = (of: Pick<CracksSearch, 'team' | 'agent' | 'channel' | 'topic' | 'days'>) =>
  queryOptions({ queryKey: ['cracks', 'count', of], staleTime: 60_000, queryFn: () => must(api.GET('/v1/cracks', { params: { query: { limit: mostCracks, counts_only: true, ...of } } })) })

/** How many of a kind are counted and listed at first. */
export const mostCracks = 200

/** A number of what is listed so far: where there are more, it says so. */
export const atLeast = (n: number, more: boolean, language: Language) => number(n, language) + (more ? '+' : '')
