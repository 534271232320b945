import { expect, test } from 'vitest'
import type { Schemas, Touchpoint } from './api'
import { byDay, lasted, runsFrom, standingNow, type Wait, waitsBefore } from './waits'

const at = (minute: number) => ({ time: new Date(Date.UTC(2026, 0, 1, 12, minute)).toISOString() }) as Touchpoint

const wait = (from: number, to: number | null, kind: Wait['kind'] = 'first') => ({ from: at(from).time, to: to === null ? null : at(to).time, kind })

const minutes = (touchpoints: Touchpoint[], waits: Wait[]) =>
  [...waitsBefore(touchpoints, waits)].map(([i, list]) => [i, ...list.map((w) => lasted(w) / 60_000)])

test('a wait is shown before what ended it', () => {
  expect(minutes([at(0), at(5), at(9), at(10), at(30)], [wait(0, 9), wait(10, 30, 'later')])).toEqual([[2, 9], [4, 20]])
})

test('a wait that another row of its instant ended, too, is shown once', () => {
  expect(minutes([at(0), at(9), at(9)], [wait(0, 9)])).toEqual([[1, 9]])
})

test('a wait that goes on, one that took no time and one whose end is on a later page are not shown', () => {
  expect(minutes([at(0), at(5)], [wait(0, 0), wait(5, null), wait(5, 50)])).toEqual([])
})

test('days keep their order and hold everything', () => {
  const all = [at(0), at(60 * 24), at(60 * 24 + 1)]
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

test('a wait that goes on is shown where it began', () => {
  expect(runsFrom([at(0), at(5), at(9)], at(5).time)).toBe(1)
  expect(runsFrom([at(0)], at(5).time)).toBe(-1)
  expect(runsFrom([at(0)], null)).toBe(-1)
})
