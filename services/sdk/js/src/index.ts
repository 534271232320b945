/** Sends touchpoints to Throughline, each of them once: see README.md. */
export { Client } from './client.js'
export type { Options } from './options.js'
export { ClosedError, ProblemError, QueueFullError, RefusedError } from './errors.js'
export type { Accepted, Problem, Touchpoint } from './types.js'
export type { components, operations, paths } from './schema.js'
