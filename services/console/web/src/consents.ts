import type { Touchpoint } from './api'

/** What a customer said last about being written to: by which channel, and what for. */
export interface Consent {
  channel: string
  purpose: string // '' where nobody said what for
  given: boolean
  touchpoint: Touchpoint // that said so
}

const texts = (v: unknown): string[] => (Array.isArray(v) ? v : v === undefined || v === null ? [] : [v]).map(String).filter((s) => s !== '')

/**
 * The last word per channel and purpose, of touchpoints consent.given and consent.withdrawn in any order. Their properties `channel` and
 * `purpose` say what it is about, each a text or a list; without a channel it is the one that the touchpoint came by.
 */
export function consentsOf(touchpoints: Touchpoint[]): Consent[] {
  const last = new Map<string, Consent>()
  const inOrder = touchpoints
    .filter((p) => p.kind === 'consent.given' || p.kind === 'consent.withdrawn')
    .sort((a, b) => a.time.localeCompare(b.time) || a.key.localeCompare(b.key))
  for (const touchpoint of inOrder) {
    const about = (touchpoint.properties ?? {}) as { channel?: unknown; purpose?: unknown }
    const channels = texts(about.channel)
    const purposes = texts(about.purpose)
    for (const channel of channels.length ? channels : [touchpoint.channel]) {
      for (const purpose of purposes.length ? purposes : ['']) {
        last.set(JSON.stringify([channel, purpose]), { channel, purpose, given: touchpoint.kind === 'consent.given', touchpoint })
      }
    }
  }
  return [...last.values()].sort((a, b) => a.channel.localeCompare(b.channel) || a.purpose.localeCompare(b.purpose))
}
