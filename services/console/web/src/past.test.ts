import { expect, test } from 'vitest'
import { instantOf, pastOf, stepOf } from './past'

const now = Date.parse('2026-11-22T12:00:00Z')
const ago = (days: number) => now - days * 86_400_000

test('steps are as small as a keyboard can go over', () => {
  expect(pastOf(ago(300), now)).toEqual({ from: ago(300), step: 86_400_000, steps: 300 })
  expect(pastOf(ago(10), now)).toEqual({ from: ago(10), step: 3_600_000, steps: 240 })
  expect(pastOf(now - 90_000, now)).toEqual({ from: now - 90_000, step: 60_000, steps: 2 })
  expect(pastOf(ago(3000), now)?.steps).toBe(3000)
})

test('who came in a moment ago has no past', () => {
  expect(pastOf(now - 1000, now)).toBeNull()
  expect(pastOf(now + 1000, now)).toBeNull()
})

test('a step leads to its instant and back', () => {
  const past = pastOf(ago(10), now)!
  for (const at of [0, 1, 100, past.steps - 1, past.steps]) expect(stepOf(past, instantOf(past, at) ?? undefined)).toBe(at)
  expect(instantOf(past, past.steps)).toBeNull()
  expect(stepOf(past, '2020-01-01T00:00:00Z')).toBe(0)
})
