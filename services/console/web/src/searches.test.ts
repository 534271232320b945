import { expect, test } from 'vitest'
import { commas } from './reports'
import { cracksSearch, inboxSearch, personSearch, reportSearch } from './searches'

test('what makes no sense in an address is left out', () => {
  expect(inboxSearch({ order: 'due', promise: ['missed', 'kept', 'missed'] })).toEqual({ order: 'due', promise: ['missed'] })
  expect(inboxSearch({ order: 'oldest', promise: 'none' })).toEqual({})
  expect(inboxSearch({ channel: 'email', team: ['a', ''], show: 'everything', junk: 1 })).toEqual({ channel: ['email'], team: ['a'] })
  expect(personSearch({ at: 'yesterday', direction: 'sideways', q: 7 })).toEqual({ q: '7' })
  expect(reportSearch({ days: '-3', from: 'x', to: '2026-01-01', compare: 'true', of: 'people' })).toEqual({ to: '2026-01-01', compare: true })
  expect(reportSearch({ tz: 'Middle/Earth', receipt: { figure: 'count', at: ['team:a', 'x'], from: 'soon' } })).toEqual({ receipt: { figure: 'count', at: ['team:a'] } })
  expect(reportSearch({ tz: 'Asia/Tokyo', receipt: 'count', columns: 'cost' })).toEqual({ tz: 'Asia/Tokyo', columns: ['cost'] })
  expect(cracksSearch({ days: '30', kind: 'wall' })).toEqual({ days: 30 })
  expect(cracksSearch({ days: 1e6 })).toEqual({})
})

test('a query of a report', () => {
  expect(commas({ by: ['a', 'b'], channel: ['x&y', 'z'], from: undefined, q: '', limit: 3 })).toBe('by=a%2Cb&channel=x%26y&channel=z&limit=3')
})

