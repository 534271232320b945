import type { Schemas } from './api'
import { inDots } from './format'
import { crackKinds } from './searches'

export type Crack = Schemas['Cracks']['cracks'][number]
export type Kind = (typeof crackKinds)[number]

/** The kinds that there is something of, and the one that is looked at: the first of them where none was chosen. */
export function kindsOf(counts: Record<string, number>, chosen: Kind | undefined): { kinds: Kind[]; kind: Kind | undefined } {
  const kinds = crackKinds.filter((k) => (counts[k] ?? 0) > 0 || k === chosen)
  return { kinds, kind: chosen ?? kinds[0] }
}

/** Those who have most first, and what nobody has before all of them; of the lists, as many rows as are shown, and the number of all. */
export function byOwner(cracks: Crack[], most: number): { owner: string; count: number; shown: Crack[] }[] {
  const out = new Map<string, Crack[]>()
  for (const c of cracks) {
    const owner = inDots(c.owner.team, c.owner.agent)
    out.set(owner, [...(out.get(owner) ?? []), c])
  }
  let left = most
  return [...out]
    .sort(([a, x], [b, y]) => Number(a !== '') - Number(b !== '') || y.length - x.length || a.localeCompare(b))
    .map(([owner, list]) => {
      const shown = list.slice(0, left)
      left -= shown.length
      return { owner, count: list.length, shown }
    })
    .filter((g) => g.shown.length > 0)
}

/** What a crack is read from, in the order in which it happened. */
export const evidenceOf = (c: Crack) => [...c.evidence].sort((a, b) => Date.parse(a.time) - Date.parse(b.time))
