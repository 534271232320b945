/** Times of reports: whole days of a zone, and what they are compared with. */
export interface Period {
  from: string // ISO
  to: string
}

declare const Temporal: { Now: { timeZoneId(): string } } | undefined

/** The reader's time zone, by its IANA name. The first Intl.DateTimeFormat takes a slow machine as long as the rest of the page's questions. */
export const zone = () => (typeof Temporal === 'undefined' ? Intl.DateTimeFormat().resolvedOptions().timeZone : Temporal.Now.timeZoneId())

/** Whether a browser knows a zone by that name. */
export function isZone(name: string): boolean {
  try {
    return Boolean(Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}

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

const isDate = (text: string) => /^\d{4}-\d{2}-\d{2}$/.test(text)

const two = (n: number) => String(n).padStart(2, '0')

const calendars = new Map<string, Intl.DateTimeFormat>()

/** The date that an instant lies on in a zone, as the server writes dates; what is a date already stays as it is. In the reader's own zone no Intl is needed. */
export function dayOf(at: string | Date, tz: string): string {
  if (typeof at === 'string' && isDate(at)) return at
  if (tz === zone()) {
    const t = new Date(at)
    return `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`
  }
  let calendar = calendars.get(tz)
  if (!calendar) calendars.set(tz, (calendar = new Intl.DateTimeFormat('en-CA', { timeZone: tz, year: 'numeric', month: '2-digit', day: '2-digit' })))
  return calendar.format(new Date(at))
}

export const addDays = (day: string, days: number) => new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10)

const justBefore = (at: string) => new Date(Date.parse(at) - 1)

/** The last days, today among them: dates, which the server reads in the zone it is given. */
export function lastDays(now: Date, days: number, tz = zone()): Period {
  const today = dayOf(now, tz)
  return { from: addDays(today, 1 - days), to: addDays(today, 1) }
}

/** The first and the last day of a period, for people: its end is not included, the last day is. */
export function daysOf(period: Partial<Period>, tz: string): { first?: string; last?: string } {
  const { from, to } = period
  return { first: from && dayOf(from, tz), last: to && (isDate(to) ? addDays(to, -1) : dayOf(justBefore(to), tz)) }
}

/** A period in words: whole days by their dates, with the last one that belongs to it; all else with the times. */
export function periodText({ from, to }: Period, tz: string, locale: string): string {
  const begins = (at: string) => dayOf(new Date(at), tz) !== dayOf(justBefore(at), tz)
  const whole = begins(from) && begins(to)
  const as = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: whole ? undefined : 'short', timeZone: tz })
  return as.formatRange(new Date(from), whole ? justBefore(to) : new Date(to))
}
