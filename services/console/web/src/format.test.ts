import { describe, expect, test } from 'vitest'
import { change, duration, share, signedShare } from './format'

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
  test('German', () => expect(duration(187_200_000, 'de')).toBe('2 T 4 Std'))
})

test('shares and changes say nothing where there is nothing', () => {
  expect(share(null, 'en')).toBe('–')
  expect(change(3, 0)).toBeNull()
  expect(change(null, 3)).toBeNull()
  expect(signedShare(change(3, 2), 'en')).toBe('+50%')
  expect(signedShare(null, 'en')).toBe('')
})
