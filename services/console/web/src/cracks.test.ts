import { expect, test } from 'vitest'
import { byOwner, type Crack, evidenceOf, kindsOf } from './cracks'

const crack = (team?: string, agent?: string) => ({ owner: { team, agent }, evidence: [] }) as unknown as Crack

test('the kinds that there is something of', () => {
  expect(kindsOf({ not_collected: 2, waiting_past_target: 0, callback_not_made: 1 }, undefined)).toEqual({ kinds: ['callback_not_made', 'not_collected'], kind: 'callback_not_made' })
  expect(kindsOf({ not_collected: 2 }, 'callback_not_made')).toEqual({ kinds: ['callback_not_made', 'not_collected'], kind: 'callback_not_made' })
  expect(kindsOf({}, undefined)).toEqual({ kinds: [], kind: undefined })
})

test('what nobody has comes first, then who has most; what is not shown is counted', () => {
  const all = [crack('a', 'x'), crack('b', 'y'), crack('b', 'y'), crack()]
  expect(byOwner(all, 10).map((g) => [g.owner, g.count, g.shown.length])).toEqual([['', 1, 1], ['b · y', 2, 2], ['a · x', 1, 1]])
  expect(byOwner(all, 2).map((g) => [g.owner, g.count, g.shown.length])).toEqual([['', 1, 1], ['b · y', 2, 1]])
})

test('evidence is in the order of time', () => {
  const c = { evidence: [{ id: 'b', time: '2026-11-05T00:00:00Z' }, { id: 'a', time: '2026-10-29T00:00:00Z' }] } as unknown as Crack
  expect(evidenceOf(c).map((e) => e.id)).toEqual(['a', 'b'])
})
