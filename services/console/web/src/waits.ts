import type { Schemas, Touchpoint } from './api'
import type { Standing } from './searches'

export interface Wait {
  from: number
  to: number
}

const asks = (t: Touchpoint) => t.direction === 'inbound' && t.actor.type === 'customer' && t.kind === 'message'
const answers = (t: Touchpoint) => t.direction === 'outbound' && t.actor.type === 'agent' && t.kind === 'message'

/**
 * The waits that end at each touchpoint, by its index: from the customer's first unanswered message to the human answer. The touchpoints
 * are in order of time.
 */
export function waitsBefore(touchpoints: Touchpoint[]): Map<number, Wait> {
  const out = new Map<number, Wait>()
  let since: number | null = null
  touchpoints.forEach((t, i) => {
    const at = Date.parse(t.time)
    if (asks(t)) since ??= at
    else if (answers(t) && since !== null) {
      out.set(i, { from: since, to: at })
      since = null
    }
  })
  return out
}

/** Those of one day together, in the order that they came in; the day is that of the reader's clock. */
export function byDay(touchpoints: Touchpoint[]): { day: string; touchpoints: Touchpoint[] }[] {
  const out: { day: string; touchpoints: Touchpoint[] }[] = []
  for (const t of touchpoints) {
    const at = new Date(t.time)
    const day = `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, '0')}-${String(at.getDate()).padStart(2, '0')}`
    const last = out.at(-1)
    if (last?.day === day) last.touchpoints.push(t)
    else out.push({ day, touchpoints: [t] })
  }
  return out
}

/** How the promise of an answer stands now: what is shown may have been read a while ago, and its time has run on. */
export function standingNow(promise: Schemas['Promise'], now: number): Standing {
  if (promise.status === 'missed' || (promise.due && Date.parse(promise.due) < now)) return 'missed'
  return promise.status === 'at_risk' ? 'at_risk' : 'running'
}
