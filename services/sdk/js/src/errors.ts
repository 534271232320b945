import type { Problem } from './types.js'

/** The server refused this one touchpoint, and keeps it in the dead letters. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  constructor(readonly id: string, readonly field: string, readonly reason: string) {
    super(field ? `${field}: ${reason}` : reason)
  }
}

/** The server answered what no further attempt will change, such as that the key is wrong. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  constructor(readonly status: number, readonly problem: Partial<Problem>) {
    super(`${status} ${problem.title ?? ''}: ${problem.detail ?? ''}`)
  }
}

/** The queue has all the touchpoints that it may; this one was not taken. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError'
  constructor() {
    super('the queue is full')
  }
}

/** The client was closed before this touchpoint came. */
export class ClosedError extends Error {
  override readonly name = 'ClosedError'
  constructor() {
    super('the client is closed')
  }
}
