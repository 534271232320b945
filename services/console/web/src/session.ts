import type { Schemas } from './api'

export type Session = Schemas['Session']

/**
 * Who is signed in, as the page itself says: null for nobody, undefined where it does not say, as from a server that only builds the
 * pages.
 */
export function sessionOf(content: string | undefined): Session | null | undefined {
  if (!content?.startsWith('{') && content !== 'null') return undefined
  return JSON.parse(content) as Session | null
}
