/** Times of reports: whole days of the reader's zone, and what they are compared with. */
export interface Period {
  from: string // ISO
  to: string
}

declare const Temporal: { Now: { timeZoneId(): string } } | undefined

/** The reader's time zone, by its IANA name. The first Intl.DateTimeFormat takes a slow machine as long as the rest of the page's questions. */
export const zone = () => (typeof Temporal === 'undefined' ? Intl.DateTimeFormat().resolvedOptions().timeZone : Temporal.Now.timeZoneId())

const startOfDay = (t: Date, days: number) => new Date(t.getFullYear(), t.getMonth(), t.getDate() + days)

/** The last days until now, today among them, and as long a stretch before: of one day the same weekday a week before. */
export function soFar(now: Date, days: number): { now: Period; before: Period } {
  const shift = Math.max(days, 7)
  const then = new Date(now.getFullYear(), now.getMonth(), now.getDate() - shift, now.getHours(), now.getMinutes(), now.getSeconds())
  return {
    now: { from: startOfDay(now, 1 - days).toISOString(), to: now.toISOString() },
    before: { from: startOfDay(now, 1 - days - shift).toISOString(), to: then.toISOString() },
  }
}

/** The last days, today among them: dates, which the server reads in the zone it is given. */
export function lastDays(now: Date, days: number): { from: string; to: string } {
  const plain = (t: Date) => `${t.getFullYear()}-${String(t.getMonth() + 1).padStart(2, '0')}-${String(t.getDate()).padStart(2, '0')}`
  return { from: plain(startOfDay(now, 1 - days)), to: plain(startOfDay(now, 1)) }
}
