import { expect, test } from 'vitest'
import { commas, restatedOf } from './reports'

const write = (v: number | null) => (v === null ? '–' : String(Math.round(v)))

test('what was restated is written as the column is', () => {
  const row = { n: 4, t: { n: 2, p50: 60 }, restated: { n: { from: 3, to: 4 }, t: { from: { n: 1, p50: 30 }, to: { n: 2, p50: 60 } }, s: { from: null, to: 0.5 } } }
  expect(restatedOf(row, 'n', write)).toEqual({ from: '3', to: '4' })
  expect(restatedOf(row, 't', write)).toEqual({ from: '30', to: '60' })
  expect(restatedOf(row, 's', write)).toEqual({ from: '–', to: '1' })
})

test('what stays the same, or reads the same, is not restated', () => {
  expect(restatedOf({ n: 4 }, 'n', write)).toBeNull()
  expect(restatedOf({ n: 4, restated: {} }, 'n', write)).toBeNull()
  expect(restatedOf({ restated: { t: { from: { n: 1, p50: 30 }, to: { n: 2, p50: 30.2 } } } }, 't', write)).toBeNull()
})

test('by and figures are one list each, everything else is repeated', () => {
  expect(commas({ by: ['channel', 'day'], figures: ['n'], topic: ['a', 'b'], from: '', to: undefined, restated: true })).toBe('by=channel%2Cday&figures=n&topic=a&topic=b&restated=true')
})
