import type { Schemas, Touchpoint } from './api'
import type { Standing } from './searches'

export type Wait = Schemas['Wait']

/**
 * The waits that have ended, by the index of the touchpoint that each is shown before: the first that is not older than its end. Those that
 * took no time are left out, such as that of a caller whose call was taken, and those whose end is not among the touchpoints. These are in
 * order of time.
 */
export function waitsBefore(touchpoints: Touchpoint[], waits: Wait[]): Map<number, Wait[]> {
  const out = new Map<number, Wait[]>()
  for (const wait of waits) {
    if (wait.to === null || lasted(wait) === 0) continue
    const end = Date.parse(wait.to)
    const at = touchpoints.findIndex((t) => Date.parse(t.time) >= end)
    if (at >= 0) out.set(at, [...(out.get(at) ?? []), wait])
  }
  return out
}

/** The touchpoint that somebody has waited from who waits now, by its index; -1 where it is not among them. */
export function runsFrom(touchpoints: Touchpoint[], since: string | null): number {
  return since === null ? -1 : touchpoints.findIndex((t) => Date.parse(t.time) >= Date.parse(since))
}

/** How long a wait took, in milliseconds; 0 while it goes on. */
export const lasted = (wait: Wait) => (wait.to === null ? 0 : Date.parse(wait.to) - Date.parse(wait.from))

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
