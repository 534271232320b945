import { describe, expect, test } from 'vitest'
import { ago, change, changeText, cut, duration, separators, share } from './format'

describe('duration', () => {
  test.each([
    [null, '–'],
    [-1, '–'],
    [0, '0 ms'],
    [999, '999 ms'],
    [45_000, '45 s'],
    [59_700, '1 min'],
    [200_000, '3 min 20 s'],
    [3_600_000, '1 h'],
    [3_599_900, '1 h'],
    [7_380_000, '2 h 3 min'],
    [86_399_999, '1 d'],
    [187_200_000, '2 d 4 h'],
  ])('%s ms is %s', (ms, want) => expect(duration(ms, 'en')).toBe(want))
  test('ago', () => expect([ago(-5, 'en'), ago(485, 'en'), ago(61_000, 'de')]).toEqual(['1 s', '1 s', '1 Min 1 Sek']))
  test('German', () => expect(duration(187_200_000, 'de')).toBe('2 T 4 Std'))
})

test('shares and changes say nothing where there is nothing', () => {
  expect(share(null, 'en')).toBe('–')
  expect(change(3, 0)).toBeNull()
  expect(change(null, 3)).toBeNull()
  expect(changeText(3, 0, 'count', 'en')).toBe('')
  expect(changeText(3, null, 'share', 'en')).toBe('')
})

test('what is left of ten hours is never nothing', () => {
  expect(changeText(5_000, 36_000_000, 'milliseconds', 'en')).toBe('7,200 times less')
  expect(changeText(5_000, 36_000_000, 'milliseconds', 'de')).toBe('7.200-mal weniger')
  expect(changeText(120, 10, 'count', 'en')).toBe('12 times as much')
  expect(changeText(100, 10, 'count', 'en')).toBe('+900%')
})

test('what is cut says so', () => expect([cut('abc', 3), cut('abcd', 3)]).toEqual(['abc', 'abc…']))

test('changes of shares are told in points, others in percent', () => {
  expect(changeText(3, 2, 'count', 'en')).toBe('+50%')
  expect(changeText(2, 2, 'count', 'en')).toBe('±0%')
  expect(changeText(9, 10, 'count', 'en')).toBe('−10%')
  expect(changeText(0, 10, 'count', 'en')).toBe('−100%')
  expect(changeText(0.396, 0.476, 'share', 'en')).toBe('−8 pp')
  expect(changeText(0.25, 0, 'share', 'de')).toBe('+25 %-Pkt.')
  expect(changeText(0.628, 0.669, 'share', 'de')).toBe('−4,1 %-Pkt.')
  expect(changeText(0.5, 0.50001, 'share', 'en')).toBe('±0 pp')
  expect(changeText(0, 7, 'count', 'en')).toBe('−100%') // what only the period before has
})

test('numbers are typed by the signs that they are written with', () => {
  expect(separators('de')).toEqual({ decimal: ',', thousand: '.' })
  expect(separators('en')).toEqual({ decimal: '.', thousand: ',' })
})
