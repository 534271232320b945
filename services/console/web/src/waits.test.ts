import { expect, test } from 'vitest'
import type { Schemas, Touchpoint } from './api'
import { byDay, standingNow, waitsBefore } from './waits'

const at = (minute: number, direction: Touchpoint['direction'], actor: Touchpoint['actor']['type'], kind = 'message') =>
  ({ time: new Date(Date.UTC(2026, 0, 1, 12, minute)).toISOString(), direction, actor: { type: actor }, kind }) as Touchpoint

const minutes = (touchpoints: Touchpoint[]) => [...waitsBefore(touchpoints)].map(([i, w]) => [i, (w.to - w.from) / 60_000])

test('a wait runs from the first unanswered message to the human answer', () => {
  expect(minutes([at(0, 'inbound', 'customer'), at(5, 'inbound', 'customer'), at(9, 'outbound', 'agent'), at(10, 'outbound', 'agent')])).toEqual([[2, 9]])
})

test('a bot, a note and an event answer nobody', () => {
  expect(minutes([at(0, 'inbound', 'customer'), at(1, 'outbound', 'bot'), at(2, 'internal', 'agent'), at(3, 'outbound', 'system', 'order.shipped'), at(4, 'outbound', 'agent')])).toEqual([[4, 4]])
})

test('who is not answered waits in no interval yet', () => {
  expect(minutes([at(0, 'outbound', 'agent'), at(1, 'inbound', 'customer')])).toEqual([])
})

test('days keep their order and hold everything', () => {
  const all = [at(0, 'inbound', 'customer'), at(60 * 24, 'inbound', 'customer'), at(60 * 24 + 1, 'inbound', 'customer')]
  const days = byDay(all)
  expect(days.map((d) => d.touchpoints.length)).toEqual([1, 2])
  expect(days.flatMap((d) => d.touchpoints)).toEqual(all)
})

test('a promise is missed when its time is over, whatever was read', () => {
  const due = Date.UTC(2026, 0, 1, 12)
  const promise = (status: string, due: number | null) => ({ status, due: due && new Date(due).toISOString() }) as Schemas['Promise']
  expect(standingNow(promise('running', due), due - 1)).toBe('running')
  expect(standingNow(promise('at_risk', due), due - 1)).toBe('at_risk')
  expect(standingNow(promise('at_risk', due), due + 1)).toBe('missed')
  expect(standingNow(promise('missed', due), due - 1)).toBe('missed')
  expect(standingNow(promise('running', null), due)).toBe('running')
})
