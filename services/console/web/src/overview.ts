import { queryOptions } from '@tanstack/react-query'
import { api, must } from './api'
import { lastDays, today, zone } from './periods'
import { readReport } from './reports'

/** The figures of conversations that the overview shows: a report costs what its figures cost. */
const talk = ['count', 'first_response_ms', 'resolution_ms', 'first_response_kept_share', 'csat_share']

async function readOverview() {
  const p = today(new Date())
  const days = lastDays(new Date(), 14)
  const tz = zone()
  const [touched, touchedBefore, talked, talkedBefore, waiting, trend, month] = await Promise.all([
    readReport('touchpoints', { by: ['channel'], ...p.today, tz, figures: ['touchpoints', 'people'] }),
    readReport('touchpoints', { by: ['channel'], ...p.lastWeek, tz, figures: ['touchpoints', 'people'] }),
    readReport('conversations', { ...p.today, tz, figures: talk }),
    readReport('conversations', { ...p.lastWeek, tz, figures: talk }),
    must(api.GET('/v1/conversations', { params: { query: { waiting: true, sort: 'waiting', limit: 5, opening: true } } })),
    readReport('touchpoints', { by: ['day'], ...days, tz, figures: ['touchpoints'] }),
    readReport('conversations', { ...lastDays(new Date(), 30), tz, compare: 'previous', figures: ['fcr_share'] }),
  ])
  return { touched, touchedBefore, talked, talkedBefore, waiting, trend, month, period: p.today }
}

export type Overview = Awaited<ReturnType<typeof readOverview>>

export const overviewQuery = queryOptions({ queryKey: ['overview'], queryFn: readOverview })
