/** The stretch of time that a slider goes over, in steps that a reader can make by keyboard. */
export interface Past {
  from: number // ms
  step: number // ms
  steps: number // the last of them is now
}

const minute = 60_000
const sizes = [minute, 10 * minute, 60 * minute, 6 * 60 * minute, 24 * 60 * minute]
const most = 400 // where a day is not too small

/** From when something was first known until now; null when that is less than a step ago. */
export function pastOf(since: number, now: number): Past | null {
  const step = sizes.find((s) => (now - since) / s <= most) ?? sizes[sizes.length - 1]
  const steps = Math.ceil((now - since) / step)
  return steps > 0 && now - since >= minute ? { from: since, step, steps } : null
}

/** The instant of a step; null is now. */
export function instantOf(past: Past, at: number): string | null {
  return at >= past.steps ? null : new Date(past.from + at * past.step).toISOString()
}

/** The step that an instant is nearest to. */
export function stepOf(past: Past, instant: string | undefined): number {
  return instant === undefined ? past.steps : Math.max(0, Math.min(past.steps - 1, Math.round((Date.parse(instant) - past.from) / past.step)))
}
