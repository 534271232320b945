// How numbers, times and lengths of time are written. All of it is told the language and, where it matters, the time.

export type Language = 'en' | 'de'

/** The reader's own way of writing the language: dates of an English reader in London are not those of one in Boston. */
export function locale(language: Language): string {
  const own = typeof navigator === 'undefined' ? [] : navigator.languages
  return own.find((l) => l.startsWith(`${language}-`)) ?? (language === 'en' ? 'en-GB' : language)
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const units = {
  en: { day: 'd', hour: 'h', minute: 'min', second: 's', ms: 'ms' },
  de: { day: 'T', hour: 'Std', minute: 'Min', second: 'Sek', ms: 'ms' },
}

/** The units that somebody gives a length of time in, in seconds. */
export const lengthUnits = { second: 1, minute: 60, hour: 3600, day: 86_400 }
export type LengthUnit = keyof typeof lengthUnits

/** The greatest unit that so many seconds are whole in. */
export function unitOf(seconds: number): LengthUnit {
  const all = Object.keys(lengthUnits) as LengthUnit[]
  return all.findLast((u) => seconds >= lengthUnits[u] && seconds % lengthUnits[u] === 0) ?? 'second'
}

/** A length of time in its two greatest units: 2 d 4 h, 3 min 20 s, 45 s. */
export function duration(ms: number | null | undefined, language: Language): string {
  if (ms == null) return '–'
  const u = units[language]
  if (ms < 0) return '–'
  if (ms < second) return `${Math.round(ms)} ${u.ms}`
  // What rounds up to the next unit is written in it: 59.7 s is a minute, and 23 h 59 min 59 s a day.
  const steps: [number, string, number, string][] = [
    [minute, u.minute, second, u.second],
    [hour, u.hour, minute, u.minute],
    [day, u.day, hour, u.hour],
  ]
  const s = Math.round(ms / second) * second
  if (s < minute) return `${s / second} ${u.second}`
  for (const [big, bigName, small, smallName] of steps) {
    const rounded = Math.round(ms / small) * small
    const above = big === minute ? hour : big === hour ? day : Infinity
    if (rounded >= above) continue
    const rest = Math.round((rounded % big) / small)
    return `${Math.floor(rounded / big)} ${bigName}` + (rest ? ` ${rest} ${smallName}` : '')
  }
  return '–'
}

/** How long ago something was: what has just been was a second ago, since clocks differ and pages take a while. */
export const ago = (ms: number, language: Language) => duration(Math.max(second, ms), language)

/** Makes a writer once for each way of writing: making one takes far longer than writing with it, and tables write thousands. */
function kept<Options, Writer>(make: (locale: string, as: Options) => Writer): (language: Language, as: Options) => Writer {
  const writers = new Map<string, Writer>()
  return (language, as) => {
    const key = locale(language) + JSON.stringify(as)
    const writer = writers.get(key) ?? make(locale(language), as)
    writers.set(key, writer)
    return writer
  }
}

const numbers = kept((locale, as: Intl.NumberFormatOptions) => new Intl.NumberFormat(locale, as))
const dates = kept((locale, as: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, as))

export function number(n: number | null | undefined, language: Language): string {
  if (n == null) return '–'
  return numbers(language, { maximumFractionDigits: 1 }).format(n)
}

/** The signs by which numbers are typed: those that they are written with. */
export function separators(language: Language): { decimal: string; thousand: string } {
  const parts = numbers(language, { minimumFractionDigits: 1, useGrouping: true }).formatToParts(1_234_567.5)
  const sign = (type: string, otherwise: string) => parts.find((p) => p.type === type)?.value ?? otherwise
  return { decimal: sign('decimal', '.'), thousand: sign('group', ',') }
}

export function share(n: number | null | undefined, language: Language): string {
  if (n == null) return '–'
  return numbers(language, { style: 'percent', maximumFractionDigits: 1 }).format(n)
}

export function money(n: number | null | undefined, language: Language): string {
  if (n == null) return '–'
  return numbers(language, { style: 'currency', currency: 'EUR' }).format(n)
}

/** An amount of something that was bought: in its currency, where that was said. */
export function amount(n: number, currency: string, language: Language): string {
  const as = currency ? ({ style: 'currency', currency } as const) : { minimumFractionDigits: 2, maximumFractionDigits: 2 }
  return numbers(language, as).format(n)
}

/** An instant as the value of an input of type datetime-local, on the reader's clock. */
export function localInput(instant: string | undefined): string {
  if (!instant) return ''
  const at = new Date(instant)
  return new Date(at.getTime() - at.getTimezoneOffset() * minute).toISOString().slice(0, 16)
}

export function dateAs(text: string, language: Language, as: Intl.DateTimeFormatOptions): string {
  return dates(language, as).format(new Date(text))
}

export function dateTime(text: string, language: Language): string {
  return dateAs(text, language, { dateStyle: 'medium', timeStyle: 'short' })
}

/** The time of day. */
export function time(at: number, language: Language): string {
  return dates(language, { timeStyle: 'short' }).format(at)
}

/** A text of at most so many characters; one that is cut says so. */
export const cut = (text: string, most: number) => (text.length > most ? `${text.slice(0, most)}…` : text)

export function date(text: string, language: Language): string {
  return dateAs(text, language, { dateStyle: 'medium' })
}

/** The change from before to now as a share of before; null when there is nothing to compare with. */
export function change(now: number | null | undefined, before: number | null | undefined): number | null {
  if (now == null || before == null || before === 0) return null
  return (now - before) / before
}

/**
 * The change from before to now with its sign: of a share in percentage points, of all else as a share of before. Empty when there is nothing to
 * compare with.
 */
export function changeText(now: number | null | undefined, before: number | null | undefined, unit: string | undefined, language: Language): string {
  if (now == null || before == null) return ''
  if (unit === 'share') return `${signed((now - before) * 100, language, { maximumFractionDigits: 1 })} ${points[language]}`
  const by = change(now, before)
  if (by === null) return ''
  // In percent, what is left of ten hours when an answer takes seconds would be nothing.
  if (now !== 0 && (by < -0.99 || by > 9.99)) return times[language](numbers(language, { maximumSignificantDigits: 2 }).format(by < 0 ? before / now : now / before), by > 0)
  return signed(by, language, { style: 'percent', maximumFractionDigits: 0 })
}

const times = {
  en: (n: string, more: boolean) => `${n} times ${more ? 'as much' : 'less'}`,
  de: (n: string, more: boolean) => `${n}-mal ${more ? 'so viel' : 'weniger'}`,
}

const points = { en: 'pp', de: '%-Pkt.' }

function signed(n: number, language: Language, as: Intl.NumberFormatOptions): string {
  const text = numbers(language, { ...as, signDisplay: 'exceptZero' }).format(n).replace('-', '−') // a minus and no hyphen
  return /^\d/.test(text) ? `±${text}` : text
}

/** The begin of a text that may be a novel, where a line of it is enough. */
export function short(text: string, most = 80): string {
  const signs = [...text.slice(0, 4 * most)] // whole ones: half an emoji is a question mark
  return signs.length > most ? `${signs.slice(0, most).join('')}…` : text
}

/** What there is of several words beside each other. */
export const inDots = (...words: (string | false | null | undefined)[]) => words.filter(Boolean).join(' · ')
