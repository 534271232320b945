import { api, must, type Schemas } from './api'
import { isTime, type ReportRow, type Series, stretchOf, valueOf } from './series'

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
  order?: string // a figure, the greatest first; absent: by the dimensions
  compare?: 'previous'
  restated?: boolean // say what a closed period's figures were
  lang?: string
}

/** How many rows one answer has at most. */
export const mostRows = 10_000

const coarser: Record<string, [string, number]> = { hour: ['day', 24], day: ['week', 7], week: ['month', 4] }

/** The stretch of time that a chart is by where so many groups are: the finest of which one answer has all. */
export function chartBy(by: string, groups: number): string {
  const next = coarser[by]
  return groups > mostRows && next ? chartBy(next[0], groups / next[1]) : by
}

/** Rows in the order of a column, a dimension or a figure; with - before it the greatest first. What has no value comes last either way. */
export function sorted(rows: ReportRow[], sort: string, dimensions: string[], name: (dimension: string, value: string) => string): ReportRow[] {
  const down = sort.startsWith('-')
  const column = down ? sort.slice(1) : sort
  const sign = down ? -1 : 1
  const place = (row: ReportRow) => stretchOf(row, column)
  if (isTime(column)) return [...rows].sort((a, b) => sign * (Date.parse(place(a)) - Date.parse(place(b)) || 0))
  if (dimensions.includes(column)) return [...rows].sort((a, b) => sign * name(column, place(a)).localeCompare(name(column, place(b)), undefined, { numeric: true }))
  return [...rows].sort((a, b) => {
    const [x, y] = [valueOf(a, column), valueOf(b, column)]
    return x === null || y === null ? Number(x === null) - Number(y === null) : sign * (x - y)
  })
}

/** Rows as they were in the period before, at the places that they are beside. */
export const rowsBefore = (rows: ReportRow[], dimensions: string[]): ReportRow[] =>
  rows.map((row) => ({ ...(row.previous as ReportRow | null), ...Object.fromEntries(dimensions.map((d) => [d, row[d]])) }))

/** What is drawn with what it was before: each part has a pale one beside it. */
export function beside(now: Series, before: Series, name: (part: string) => string): Series {
  const parts = before.parts.flatMap((p) => {
    const of = now.parts.findIndex((n) => n.name === p.name)
    return of < 0 ? [] : [{ name: name(p.name), values: p.values, before: of }]
  })
  return { ...now, parts: [...now.parts, ...parts] }
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
