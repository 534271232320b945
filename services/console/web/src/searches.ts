import { isZone } from './periods'

// What the addresses of pages carry. Whatever somebody typed there is read, and what makes no sense is left out.

const texts = (v: unknown): string[] | undefined => {
  const all = (Array.isArray(v) ? v : v === undefined || v === '' ? [] : [v]).map(String).filter((s) => s !== '')
  return all.length ? all.slice(0, 50) : undefined
}
const text = (v: unknown): string | undefined => (v === undefined || v === '' ? undefined : String(v))
const oneOf = <T extends string>(v: unknown, ...allowed: T[]): T | undefined => allowed.find((a) => a === v)
const some = <T extends string>(v: unknown, ...allowed: T[]): T[] | undefined => {
  const found = allowed.filter((a) => texts(v)?.includes(a))
  return found.length ? found : undefined
}

export const overviewDays = [1, 7, 28] as const

export interface OverviewSearch {
  days?: (typeof overviewDays)[number] // absent: today
}

export const overviewSearch = (s: Record<string, unknown>): OverviewSearch => ({ days: overviewDays.find((d) => d > 1 && d === Number(s.days)) })

/** How the promise of an answer may stand while a customer waits for it. */
export const standings = ['missed', 'at_risk', 'running'] as const
export type Standing = (typeof standings)[number]

export interface InboxSearch {
  show?: 'all'
  order?: 'due' // absent: by how long they have waited
  promise?: Standing[]
  channel?: string[]
  team?: string[]
  agent?: string[]
  topic?: string[]
}

export const inboxSearch = (s: Record<string, unknown>): InboxSearch => ({
  show: oneOf(s.show, 'all'), order: oneOf(s.order, 'due'), promise: some(s.promise, ...standings), channel: texts(s.channel), team: texts(s.team), agent: texts(s.agent), topic: texts(s.topic),
})

export interface PersonSearch {
  tab?: 'why' | 'card' // on a phone, the card is a tab
  channel?: string[]
  kind?: string[]
  direction?: string
  q?: string
  at?: string
}

export const personSearch = (s: Record<string, unknown>): PersonSearch => ({
  tab: oneOf(s.tab, 'why', 'card'), channel: texts(s.channel), kind: texts(s.kind), direction: oneOf(s.direction, 'inbound', 'outbound', 'internal'), q: text(s.q),
  at: s.at !== undefined && !Number.isNaN(Date.parse(String(s.at))) ? String(s.at) : undefined,
})

export const subjects = ['touchpoints', 'conversations'] as const
export type Subject = (typeof subjects)[number]

/** What a figure of a report is made of, while it is open: the figure, its row as `dimension:value`, and the period to the millisecond. */
export interface ReceiptSearch {
  figure: string
  at: string[]
  from?: string
  to?: string
}

const receiptOf = (v: unknown): ReceiptSearch | undefined => {
  if (typeof v !== 'object' || v === null) return undefined
  const { figure, at, from, to } = v as Record<string, unknown>
  return text(figure) ? { figure: String(figure), at: texts(at)?.filter((a) => a.includes(':')) ?? [], from: dateText(from), to: dateText(to) } : undefined
}

export interface ReportSearch {
  of?: Subject
  by?: string
  then?: string
  figure?: string
  from?: string
  to?: string
  days?: number
  tz?: string // of who made the link; absent: the reader's
  compare?: boolean
  columns?: string[] // figures of the table
  sort?: string // a column; with - before it the greatest first
  receipt?: ReceiptSearch
  channel?: string[]
  team?: string[]
  agent?: string[]
  topic?: string[]
}

const dateText = (v: unknown) => (/^\d{4}-\d{2}-\d{2}/.test(String(v)) && !Number.isNaN(Date.parse(String(v))) ? String(v) : undefined)

const yes = (v: unknown) => v === true || v === 'true' || undefined

const daysOf = (v: unknown, most: number) => (Number.isInteger(Number(v)) && Number(v) > 0 && Number(v) <= most ? Number(v) : undefined)

export const reportSearch = (s: Record<string, unknown>): ReportSearch => {
  return {
    of: oneOf(s.of, ...subjects), by: text(s.by), then: text(s.then), figure: text(s.figure), from: dateText(s.from), to: dateText(s.to),
    days: daysOf(s.days, 3660), tz: s.tz !== undefined && isZone(String(s.tz)) ? String(s.tz) : undefined, compare: yes(s.compare),
    columns: texts(s.columns), sort: text(s.sort), receipt: receiptOf(s.receipt),
    channel: texts(s.channel), team: texts(s.team), agent: texts(s.agent), topic: texts(s.topic),
  }
}

export const crackKinds = [
  'waiting_past_target', 'closed_while_waiting', 'bot_handed_over_to_nobody', 'callback_not_made', 'not_collected', 'asked_twice_answered_once', 'transfer_not_opened', 'complaint_without_answer',
] as const

export interface CracksSearch {
  kind?: (typeof crackKinds)[number]
  team?: string[]
  agent?: string[]
  channel?: string[]
  topic?: string[]
  days?: number // how far back; absent: as far as the list goes by itself
}

export const cracksSearch = (s: Record<string, unknown>): CracksSearch => ({ kind: oneOf(s.kind, ...crackKinds), team: texts(s.team), agent: texts(s.agent), channel: texts(s.channel), topic: texts(s.topic), days: daysOf(s.days, 366) })

export interface TabSearch {
  tab?: string
}
export const tabSearch = (s: Record<string, unknown>): TabSearch => ({ tab: text(s.tab) })
