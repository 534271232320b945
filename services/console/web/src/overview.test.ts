import { expect, test } from 'vitest'
import { isGood, ofHowMany } from './overview'

test('of how many a figure is', () => {
  const row = { first_response_ms: { n: 11, p50: 1 }, first_response_kept_share: 0.5, first_response_kept: 4, first_response_missed: 4, csat_share: null, csat_answers: 0, count: 7 }
  expect(ofHowMany(row, 'first_response_ms')).toBe(11)
  expect(ofHowMany(row, 'first_response_kept_share')).toBe(8)
  expect(ofHowMany(row, 'csat_share')).toBe(0)
  expect(ofHowMany(row, 'count')).toBeNull()
})

test('nothing is good or bad about a change among few', () => {
  expect(isGood(-0.5, 'less', 10, 40)).toBe(true)
  expect(isGood(-0.5, 'more', 10, 40)).toBe(false)
  expect(isGood(-0.5, 'less', 9, 40)).toBeNull()
  expect(isGood(-0.5, 'less', 40, 9)).toBeNull()
  expect(isGood(0.001, 'more', 40, 40)).toBeNull()
  expect(isGood(0.5, null, null, null)).toBeNull()
})
