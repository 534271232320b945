/** What a chart draws: values by category, one part per group. */
export interface Series {
  categories: string[]
  parts: { name: string; values: (number | null)[]; before?: number }[] // before: drawn pale, as what that part was
  time: boolean // categories follow each other in time
  stacked: boolean // parts add up to a whole
}

export type ReportRow = Record<string, unknown>

/** A statistic's number in a chart or a column is its median. */
export function valueOf(row: ReportRow, figure: string): number | null {
  const v = row[figure]
  if (typeof v === 'number') return v
  if (v && typeof v === 'object' && 'p50' in v) return (v as { p50: number | null }).p50
  return null
}

const times = ['hour', 'day', 'week', 'month']
export const isTime = (dimension: string) => times.includes(dimension)

const most = 9 // groups that a reader can tell apart; the others are one

/**
 * The series of a report by one or two dimensions. With two, the second makes the parts, the greatest first, and what is beyond ten is
 * put together where figures add up, and left out where they do not.
 */
export function seriesOf(rows: ReportRow[], by: string, then: string | undefined, figure: string, adds: boolean, name: (dimension: string, value: string) => string, others: string): Series {
  const keys: string[] = []
  for (const row of rows) {
    const key = String(row[by] ?? '')
    if (!keys.includes(key)) keys.push(key)
  }
  if (isTime(by)) keys.sort()
  const at = new Map(keys.map((k, i) => [k, i]))
  const parts = new Map<string, (number | null)[]>()
  for (const row of rows) {
    const part = then ? String(row[then] ?? '') : ''
    let values = parts.get(part)
    if (!values) parts.set(part, (values = keys.map(() => null)))
    values[at.get(String(row[by] ?? ''))!] = valueOf(row, figure)
  }
  const sum = (values: (number | null)[]) => values.reduce<number>((a, b) => a + (b ?? 0), 0)
  let named: Series['parts'] = [...parts].map(([part, values]) => ({ name: then ? name(then, part) : '', values }))
  if (then) {
    named.sort((a, b) => sum(b.values) - sum(a.values))
    const rest = named.slice(most)
    named = named.slice(0, most)
    if (adds && rest.length > 0) named.push({ name: others, values: keys.map((_, i) => sum(rest.map((r) => r.values[i]))) })
  }
  return { categories: keys.map((k) => name(by, k)), parts: named, time: isTime(by), stacked: Boolean(then) && adds }
}
