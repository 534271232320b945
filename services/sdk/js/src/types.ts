import type { components } from './schema.js'

/** What happened, as the API's description has it. */
export type Touchpoint = Omit<components['schemas']['NewTouchpoint'], 'properties'> & { properties?: Record<string, unknown> }
/** What the server made of a batch. */
export type Accepted = components['schemas']['Accepted']
/** A problem document (RFC 9457). */
export type Problem = components['schemas']['Problem']
