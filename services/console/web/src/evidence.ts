import type { Evidence, Schemas } from './api'

/** The evidence that had come in at a time, and what of it was in force then: what nothing about the same two had overtaken yet. */
export function evidenceAt(evidence: Evidence[], at: string): Evidence[] {
  const known = evidence.filter((e) => Date.parse(e.at) <= Date.parse(at))
  const last = new Map<string, number>()
  for (const e of known) last.set(e.id, Math.max(last.get(e.id) ?? 0, e.version))
  return known.map((e) => ({ ...e, in_force: e.version === last.get(e.id) }))
}

type Node = Schemas['Node']
type PersonNow = Schemas['PersonNow']

export const nameOf = (n: Node) => `${n.type}:${n.value}`

/** A person of a preview: what comes to them or leaves them is marked, threads are counted. */
export interface Seen {
  id: string
  identifiers: { node: Node; moved: boolean }[]
  threads: number
}

const first = ['customer_id', 'email', 'phone']
const rank = (n: Node) => (first.indexOf(n.type) + 1 || first.length + 1)

/** Persons beside what they are elsewhere: identifiers that the person of the same id does not have there have moved. */
export function seenBeside(persons: PersonNow[], others: PersonNow[]): Seen[] {
  return persons.map((p) => {
    const there = new Set(others.find((o) => o.id === p.id)?.identifiers.map(nameOf))
    const identifiers = p.identifiers.filter((n) => n.type !== 'thread').map((node) => ({ node, moved: !there.has(nameOf(node)) }))
    return { id: p.id, identifiers: identifiers.sort((a, b) => Number(b.moved) - Number(a.moved) || rank(a.node) - rank(b.node)), threads: p.identifiers.length - identifiers.length }
  })
}

/** What a rule that decided is called: the key of its words, and what they name. null where it is a workspace's own. */
export function ruleOf(rule: string): { key: string; type?: string; n?: number; pattern?: string } | null {
  const fixed: Record<string, string> = {
    'verified by one touchpoint': 'verified', 'claimed by one touchpoint': 'claimed', 'wrote in the thread': 'thread', 'thread of nobody known': 'anonymous', 'threads of one touchpoint': 'threads',
    'merged by hand': 'merged', 'split by hand': 'split', 'retracted by hand': 'retracted', retracted: 'retracted', split: 'barred', claimed: 'unchecked', capacity: 'capacity', malformed: 'malformed',
  }
  if (fixed[rule]) return { key: fixed[rule] }
  const found = /^(?:blocked: (?<pattern>.+)|shared: (?<shared>\w+)|(?<max>\w+): max (?<many>\d+)|(?<share>\w+): share (?<users>\d+)|max_identifiers: (?<size>\d+)|max_thread: (?<thread>\d+))$/.exec(rule)?.groups
  if (!found) return null
  if (found.pattern) return { key: 'blocked', pattern: found.pattern }
  if (found.shared) return { key: 'shared', type: found.shared }
  if (found.max) return { key: 'max', type: found.max, n: Number(found.many) }
  if (found.share) return { key: 'share', type: found.share, n: Number(found.users) }
  return found.size ? { key: 'size', n: Number(found.size) } : { key: 'threadSize', n: Number(found.thread) }
}
