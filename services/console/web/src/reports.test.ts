import { expect, test } from 'vitest'
import { beside, chartBy, commas, restatedOf, rowsBefore, sorted } from './reports'
import { type ReportRow, seriesOf } from './series'

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

test('rows are in the order of a column, and what has no value comes last either way', () => {
  const rows = [{ team: 'b', n: 2 }, { team: 'a10', n: null }, { team: 'a9', n: 7 }]
  const teams = (sort: string) => sorted(rows, sort, ['team'], (_, v) => v).map((r) => r.team)
  expect(teams('-n')).toEqual(['a9', 'b', 'a10'])
  expect(teams('n')).toEqual(['b', 'a9', 'a10'])
  expect(teams('team')).toEqual(['a9', 'a10', 'b'])
  const days = [{ day: '2026-11-02T00:00:00+01:00' }, { day: '2026-10-25T00:00:00+02:00' }]
  expect(sorted(days, 'day', ['day'], () => '').map((r) => r.day)).toEqual([days[1].day, days[0].day])
})

test('a chart of more than one answer has is by a longer stretch of time', () => {
  expect(chartBy('hour', 9000)).toBe('hour')
  expect(chartBy('hour', 20_000)).toBe('day')
  expect(chartBy('hour', 24 * 7 * 10_001)).toBe('month')
  expect(chartBy('topic', 20_000)).toBe('topic')
})

test('what was before is drawn pale beside what it was', () => {
  const rows = [{ day: 'a', n: 3, previous: { n: 1 } }, { day: 'b', n: 4, previous: null }]
  const of = (r: ReportRow[]) => seriesOf(r, 'day', undefined, 'n', true, (_, v) => v, '')
  const both = beside(of(rows), of(rowsBefore(rows, ['day'])), () => 'before')
  expect(both.parts).toEqual([{ name: '', values: [3, 4] }, { name: 'before', values: [1, null], before: 0 }])
})
