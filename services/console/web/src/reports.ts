import { api, must, type Schemas } from './api'
import { type ReportRow, valueOf } from './series'

/** A report as it is drawn: rows are by its dimensions, and every figure may have what it was in the period before. */
export interface Report {
  from: string
  to: string
  rows: ReportRow[]
  totals: ReportRow
  groups: number
  as_of: string
  freshness: Schemas['Freshness']
  previous?: { from: string; to: string; restated?: Schemas['Restatement'] } // the period compared with
  restated?: Schemas['Restatement'] // of a period that is closed
}

export interface ReportQuery {
  by?: string[]
  from?: string
  to?: string
  tz?: string
  channel?: string[]
  team?: string[]
  agent?: string[]
  topic?: string[]
  figures?: string[] // absent: all that the report has
  limit?: number
  compare?: 'previous'
  restated?: boolean // say what a closed period's figures were
  lang?: string
}

/** What a figure of a row was before late touchpoints, merges and splits changed it; null where they did not, or not so that it could be read. */
export function restatedOf(row: ReportRow, figure: string, write: (value: number | null) => string): { from: string; to: string } | null {
  const change = (row.restated as Schemas['RestatedFigures'] | undefined)?.[figure]
  if (!change) return null
  const [from, to] = [write(valueOf(change, 'from')), write(valueOf(change, 'to'))]
  return from === to ? null : { from, to }
}

/** The figure of what came late, by which others were restated. */
export const lateFigure = { touchpoints: 'late_touchpoints', conversations: 'late_conversations' } as const

/** Reads a report. Its dimensions are checked by the server: the pages know more of them than a type could say. */
export async function readReport(of: 'touchpoints' | 'conversations', query: ReportQuery): Promise<Report> {
  const asked = { params: { query: query as object }, querySerializer: commas as never }
  const answer = of === 'touchpoints' ? await must(api.GET('/v1/reports/touchpoints', asked)) : await must(api.GET('/v1/reports/conversations', asked))
  return answer as unknown as Report
}

/** Reads what a figure of a report is made of. */
export async function readReceipt(of: 'touchpoints' | 'conversations', query: ReportQuery & { cell: string; at: string[]; cursor?: string }): Promise<Schemas['Receipt']> {
  const asked = { params: { query: query as never }, querySerializer: commas as never }
  return of === 'touchpoints' ? must(api.GET('/v1/reports/touchpoints/receipt', asked)) : must(api.GET('/v1/reports/conversations/receipt', asked))
}

/** Writes a query with `by` and `figures` as one list each, as reports want them, and everything else repeated. */
export function commas(query: Record<string, unknown>): string {
  const out = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value == null || value === '') continue
    if (name === 'by' || name === 'figures') out.set(name, (value as string[]).join(','))
    else if (Array.isArray(value)) for (const v of value) out.append(name, String(v))
    else out.set(name, String(value))
  }
  return out.toString()
}
