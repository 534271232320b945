/** What a chart draws: values by category, one part per group. */
export interface Series {
  categories: string[]
  parts: { name: string; values: (number | null)[]; before?: number }[] // before: drawn pale, as what that part was
  time: boolean // categories follow each other in time
  starts: number[] // when each begins, in ms; empty where they are no times
  running: boolean // the last of them is not over
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

const hour = 3_600_000
const times: Record<string, number> = { hour, day: 24 * hour, week: 7 * 24 * hour, month: 730.5 * hour }
export const isTime = (dimension: string) => dimension in times

/** Times that have no rows between two that have; some hours after they begin, so that a day is that day whatever clocks are put forward or back. */
function between(a: string, b: string, by: string): string[] {
  const [from, to] = [Date.parse(a), Date.parse(b)]
  const steps = Math.round((to - from) / times[by])
  const later = by === 'hour' ? 0 : by === 'month' ? 72 * hour : 2 * hour
  return Array.from({ length: Math.max(0, steps - 1) }, (_, i) => new Date(from + ((i + 1) * (to - from)) / steps + later).toISOString())
}

/** The categories of a time axis that have room for a label: the last, and such before it as are whole hours of a day or steps of equal length. */
export function ticksOf(starts: number[], most: number): number[] {
  const last = starts.length - 1
  const all = starts.map((_, i) => i)
  if (last > 0 && starts[last] - starts[last - 1] < 2 * hour) {
    for (const every of [1, 2, 3, 6, 12, 24, 48, 168]) {
      const ticks = all.filter((i) => (every <= 24 ? new Date(starts[i]).getHours() % every === 0 : new Date(starts[i]).getHours() === 0 && Math.floor(starts[i] / (24 * hour)) % (every / 24) === 0))
      if (ticks.length < most) return [...ticks.filter((i) => last - i > starts.length / most / 2), last]
    }
  }
  const step = Math.ceil(starts.length / most)
  return all.filter((i) => (last - i) % step === 0)
}

/** Whether a row is of a stretch of time that only the period before has: no chart of the period itself has a place for it. */
export const isBefore = (row: ReportRow, by: string[]) => by.some((d) => row[d] === null)

/** The value of a dimension, of what only the period before has the value there. */
export const stretchOf = (row: ReportRow, dimension: string) => String(row[dimension] ?? (row.previous as ReportRow | null | undefined)?.[dimension] ?? '')

const most = 9 // groups that a reader can tell apart; the others are one

/**
 * The series of a report by one or two dimensions. With two, the second makes the parts, the greatest first, and what is beyond ten is
 * put together where figures add up, and left out where they do not.
 */
export function seriesOf(rows: ReportRow[], by: string, then: string | undefined, figure: string, adds: boolean, name: (dimension: string, value: string) => string, others: string, now = Date.now()): Series {
  let keys: string[] = []
  for (const row of rows) {
    const key = String(row[by] ?? '')
    if (!keys.includes(key)) keys.push(key)
  }
  const time = isTime(by)
  if (time) {
    keys.sort()
    if (keys.every((k) => !Number.isNaN(Date.parse(k)))) keys = keys.flatMap((k, i) => (i === 0 ? [k] : [...between(keys[i - 1], k, by), k]))
  }
  const at = new Map(keys.map((k, i) => [k, i]))
  const parts = new Map<string, (number | null)[]>()
  for (const row of rows) {
    const part = then ? String(row[then] ?? '') : ''
    let values = parts.get(part)
    if (!values) parts.set(part, (values = keys.map(() => (time && adds ? 0 : null)))) // an hour without rows counts none; of a statistic it has nothing
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
  const starts = time ? keys.map(Date.parse) : []
  return { categories: keys.map((k) => name(by, k)), parts: named, time, starts, running: time && starts[starts.length - 1] + times[by] > now, stacked: Boolean(then) && adds }
}
