import { queryOptions } from '@tanstack/react-query'
import { api, must } from './api'
import { lastDays, soFar, zone } from './periods'
import { readReport } from './reports'

/** The figures of conversations that the overview shows: a report costs what its figures cost. */
const talk = ['count', 'first_response_ms', 'resolution_ms', 'first_response_kept_share', 'csat_share']

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
    must(api.GET('/v1/conversations', { params: { query: { waiting: true, sort: 'waiting', limit: 5, opening: true } } })),
    readReport('touchpoints', { by: ['day'], ...lastDays(now, trendDays(days)), tz, figures: ['touchpoints'] }),
    readReport('conversations', { ...lastDays(now, knownDays), tz, compare: 'previous', figures: ['fcr_share', 'waiting'] }),
  ])
  return { touched, touchedBefore, talked, talkedBefore, waiting, trend, month, period: p.now }
}

/** How many days the trend goes back. */
export const trendDays = (days: number) => Math.max(14, days)

export type Overview = Awaited<ReturnType<typeof readOverview>>

export const overviewQuery = (days: number) => queryOptions({ queryKey: ['overview', days], queryFn: () => readOverview(days) })

/** How much falls through now, of what began in the last days. */
export const cracksQuery = queryOptions({
  queryKey: ['cracks', 'count'], staleTime: 60_000,
  queryFn: () => must(api.GET('/v1/cracks', { params: { query: { limit: 200, days: knownDays, counts_only: true } } })),
})
