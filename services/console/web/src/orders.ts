import type { Touchpoint } from './api'

/** One order as its touchpoints tell it. */
export interface Order {
  id: string // the value of its thread
  placed: string | null // when; null where that touchpoint is not among them
  last: Touchpoint // what happened with it last
  product: string
  amount: number | null
  currency: string
  conversation: string | null
}

/** Kinds that tell of orders. */
export const orderKinds = ['order.placed', 'order.paid', 'order.shipped', 'order.delivered', 'order.cancelled', 'order.returned', 'pickup.ready', 'pickup.collected']

const scheme = 'order:'

/** The orders that touchpoints of these kinds tell of, the last touched first. Touchpoints of no order's thread tell of none. */
export function ordersOf(touchpoints: Touchpoint[]): Order[] {
  const out = new Map<string, Order>()
  const inOrder = touchpoints.filter((p) => orderKinds.includes(p.kind)).sort((a, b) => a.time.localeCompare(b.time) || a.key.localeCompare(b.key))
  for (const p of inOrder) {
    const thread = p.thread.find((t) => t.startsWith(scheme))
    if (!thread) continue
    const id = thread.slice(scheme.length)
    const order = out.get(id) ?? { id, placed: null, last: p, product: '', amount: null, currency: '', conversation: null }
    const about = (p.properties ?? {}) as { product?: unknown; amount?: unknown; currency?: unknown }
    order.last = p
    if (p.kind === 'order.placed') order.placed = p.time
    if (typeof about.product === 'string') order.product = about.product
    if (typeof about.amount === 'number' && Number.isFinite(about.amount)) order.amount = about.amount
    if (typeof about.currency === 'string' && /^[A-Z]{3}$/.test(about.currency)) order.currency = about.currency
    order.conversation = p.conversation ?? order.conversation
    out.set(id, order)
  }
  return [...out.values()].sort((a, b) => b.last.time.localeCompare(a.last.time))
}
