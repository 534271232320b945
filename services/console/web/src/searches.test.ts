import { expect, test } from 'vitest'
import { lastDays, today } from './periods'
import { commas } from './reports'
import { inboxSearch, personSearch, reportSearch } from './searches'

test('what makes no sense in an address is left out', () => {
  expect(inboxSearch({ channel: 'email', team: ['a', ''], show: 'everything', junk: 1 })).toEqual({ channel: ['email'], team: ['a'] })
  expect(personSearch({ at: 'yesterday', direction: 'sideways', q: 7 })).toEqual({ q: '7' })
  expect(reportSearch({ days: '-3', from: 'x', to: '2026-01-01', compare: 'true', of: 'people' })).toEqual({ to: '2026-01-01', compare: true })
})

test('a query of a report', () => {
  expect(commas({ by: ['a', 'b'], channel: ['x&y', 'z'], from: undefined, q: '', limit: 3 })).toBe('by=a%2Cb&channel=x%26y&channel=z&limit=3')
})

test('today is compared with the same stretch a week before', () => {
  const p = today(new Date(2026, 10, 22, 3, 30))
  expect(new Date(p.today.from).getHours()).toBe(0)
  expect(new Date(p.lastWeek.to).getDate()).toBe(15)
  expect(new Date(p.lastWeek.to).getHours()).toBe(3)
  expect(lastDays(new Date(2026, 0, 1), 1)).toEqual({ from: '2026-01-01', to: '2026-01-02' })
  expect(lastDays(new Date(2026, 2, 1), 2)).toEqual({ from: '2026-02-28', to: '2026-03-02' })
})
