// How numbers, times and lengths of time are written. All of it is told the language and, where it matters, the time.

export type Language = 'en' | 'de'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const units = {
  en: { day: 'd', hour: 'h', minute: 'min', second: 's', ms: 'ms' },
  de: { day: 'T', hour: 'Std', minute: 'Min', second: 'Sek', ms: 'ms' },
}

/** A length of time in its two greatest units: 2 d 4 h, 3 min 20 s, 45 s. */
export function duration(ms: number | null | undefined, language: Language): string {
  if (ms == null) return '–'
  const u = units[language]
  if (ms < 0) return '–'
  if (ms < second) return `${Math.round(ms)} ${u.ms}`
  const pair = (value: number, big: number, bigName: string, small: number, smallName: string) => {
    const rounded = Math.round(value / small) * small
    const whole = Math.floor(rounded / big)
    const rest = Math.round((rounded % big) / small)
    return rest === 0 ? `${whole} ${bigName}` : `${whole} ${bigName} ${rest} ${smallName}`
  }
  if (ms < minute) return `${Math.round(ms / second)} ${u.second}`
  if (ms < hour) return pair(ms, minute, u.minute, second, u.second)
  if (ms < day) return pair(ms, hour, u.hour, minute, u.minute)
  return pair(ms, day, u.day, hour, u.hour)
}

export function number(n: number | null | undefined, language: Language): string {
  if (n == null) return '–'
  return new Intl.NumberFormat(language, { maximumFractionDigits: 1 }).format(n)
}

export function share(n: number | null | undefined, language: Language): string {
  if (n == null) return '–'
  return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 }).format(n)
}

export function money(n: number | null | undefined, language: Language): string {
  if (n == null) return '–'
  return new Intl.NumberFormat(language, { style: 'currency', currency: 'EUR' }).format(n)
}

export function dateTime(text: string, language: Language): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(text))
}

export function clock(text: string, language: Language): string {
  return new Intl.DateTimeFormat(language, { timeStyle: 'short' }).format(new Date(text))
}

export function date(text: string, language: Language, timeZone?: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeZone }).format(new Date(text))
}

/** The change from before to now as a share of before; null when there is nothing to compare with. */
export function change(now: number | null | undefined, before: number | null | undefined): number | null {
  if (now == null || before == null || before === 0) return null
  return (now - before) / before
}

export function signedShare(n: number | null, language: Language): string {
  if (n == null) return ''
  return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0, signDisplay: 'exceptZero' }).format(n)
}
