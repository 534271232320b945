import { expect, test } from 'vitest'
import { lastDays, soFar } from './periods'

const local = (...at: [number, number, number, number?, number?]) => new Date(...at).toISOString()
const now = new Date(2026, 10, 22, 9, 30)

test('a day is beside the same weekday, until the same time', () => {
  expect(soFar(now, 1)).toEqual({
    now: { from: local(2026, 10, 22), to: local(2026, 10, 22, 9, 30) },
    before: { from: local(2026, 10, 15), to: local(2026, 10, 15, 9, 30) },
  })
})

test('days are beside as many days before, and do not overlap', () => {
  expect(soFar(now, 28)).toEqual({
    now: { from: local(2026, 9, 26), to: local(2026, 10, 22, 9, 30) },
    before: { from: local(2026, 8, 28), to: local(2026, 9, 25, 9, 30) },
  })
})

test('the last days end with the end of today', () => {
  expect(lastDays(now, 2)).toEqual({ from: '2026-11-21', to: '2026-11-23' })
})
