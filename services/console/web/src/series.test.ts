import { expect, test } from 'vitest'
import { isBefore, seriesOf, stretchOf, ticksOf, valueOf } from './series'

const plain = (_: string, value: string) => value
const draw = (rows: Record<string, unknown>[], by: string, then?: string, adds = true) => seriesOf(rows, by, then, 'n', adds, plain, 'others')

test('a statistic is drawn by its median', () => {
  expect(valueOf({ t: { n: 3, p50: 7 } }, 't')).toBe(7)
  expect(valueOf({ t: { n: 0, p50: null } }, 't')).toBeNull()
  expect(valueOf({}, 't')).toBeNull()
})

test('two dimensions: what is missing is a gap, the greatest part is first', () => {
  const s = draw([{ c: 'a', d: 'x', n: 1 }, { c: 'b', d: 'y', n: 5 }, { c: 'b', d: 'x', n: 2 }], 'c', 'd')
  expect(s.categories).toEqual(['a', 'b'])
  expect(s.parts).toEqual([{ name: 'y', values: [null, 5] }, { name: 'x', values: [1, 2] }])
  expect(s.stacked).toBe(true)
})

test('what is beyond ten parts is put together, and the whole stays the whole', () => {
  const rows = Array.from({ length: 30 }, (_, i) => ({ c: 'a', d: `d${i}`, n: i }))
  const s = draw(rows, 'c', 'd')
  expect(s.parts.length).toBe(10)
  expect(s.parts.at(-1)!.name).toBe('others')
  expect(s.parts.reduce((sum, p) => sum + (p.values[0] ?? 0), 0)).toBe((29 * 30) / 2)
  expect(draw(rows, 'c', 'd', false).parts.length).toBe(9) // medians do not add up
})

test('time goes on, whatever the order of the rows', () => {
  expect(draw([{ day: '2026-01-02', n: 1 }, { day: '2026-01-01', n: 2 }], 'day')).toEqual({
    categories: ['2026-01-01', '2026-01-02'], parts: [{ name: '', values: [2, 1] }], time: true, starts: [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 2)], running: false, stacked: false,
  })
})

test('a stretch of time that only the period before has is named as it is there', () => {
  const row = { day: null, team: 'a', n: 0, previous: { day: '2026-01-31T00:00:00Z', n: 6 } }
  expect(isBefore(row, ['team'])).toBe(false)
  expect(isBefore(row, ['team', 'day'])).toBe(true)
  expect(stretchOf(row, 'day')).toBe('2026-01-31T00:00:00Z')
  expect(stretchOf(row, 'team')).toBe('a')
  expect(stretchOf({ day: '2026-02-01T00:00:00Z', previous: { day: '2026-01-01T00:00:00Z' } }, 'day')).toBe('2026-02-01T00:00:00Z')
})

test('a day without rows counts none, and has no median', () => {
  const rows = [{ day: '2026-03-28T00:00:00+01:00', n: 1 }, { day: '2026-03-31T00:00:00+02:00', n: 2 }] // clocks are put forward in between
  const s = draw(rows, 'day')
  expect(s.categories.map((c) => c.slice(0, 10))).toEqual(['2026-03-28', '2026-03-29', '2026-03-30', '2026-03-31'])
  expect(s.parts[0].values).toEqual([1, 0, 0, 2])
  expect(draw(rows, 'day', undefined, false).parts[0].values).toEqual([1, null, null, 2])
  expect(draw([{ month: '2026-01-01T00:00:00Z', n: 1 }, { month: '2026-06-01T00:00:00Z', n: 1 }], 'month').categories.map((c) => c.slice(5, 7))).toEqual(['01', '02', '03', '04', '05', '06'])
})

test('a day that is not over is said to be so', () => {
  const rows = [{ day: '2026-01-01T00:00:00Z', n: 1 }]
  expect(seriesOf(rows, 'day', undefined, 'n', true, plain, '', Date.UTC(2026, 0, 1, 23)).running).toBe(true)
  expect(seriesOf(rows, 'day', undefined, 'n', true, plain, '', Date.UTC(2026, 0, 2)).running).toBe(false)
})

test('labels of times: the last, and whole hours and days', () => {
  const hours = (n: number) => Array.from({ length: n }, (_, i) => new Date(2026, 0, 5, i).getTime())
  expect(ticksOf(hours(24), 8)).toEqual([0, 6, 12, 18, 23])
  expect(ticksOf(hours(72), 8)).toEqual([0, 12, 24, 36, 48, 60, 71])
  expect(ticksOf(Array.from({ length: 14 }, (_, i) => i * 86_400_000), 7)).toEqual([1, 3, 5, 7, 9, 11, 13])
  expect(ticksOf([0], 5)).toEqual([0])
})
