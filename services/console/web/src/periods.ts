/** Times of reports: whole days of the reader's zone, and what they are compared with. */
export interface Period {
  from: string // ISO
  to: string
}

export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone

const startOfDay = (t: Date, days: number) => new Date(t.getFullYear(), t.getMonth(), t.getDate() + days)

/** Today until now, and the same stretch of the same weekday a week before. */
export function today(now: Date): { today: Period; lastWeek: Period } {
  const then = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 7, now.getHours(), now.getMinutes(), now.getSeconds())
  return {
    today: { from: startOfDay(now, 0).toISOString(), to: now.toISOString() },
    lastWeek: { from: startOfDay(now, -7).toISOString(), to: then.toISOString() },
  }
}

/** The last days, today among them: dates, which the server reads in the zone it is given. */
export function lastDays(now: Date, days: number): { from: string; to: string } {
  const plain = (t: Date) => `${t.getFullYear()}-${String(t.getMonth() + 1).padStart(2, '0')}-${String(t.getDate()).padStart(2, '0')}`
  return { from: plain(startOfDay(now, 1 - days)), to: plain(startOfDay(now, 1)) }
}
