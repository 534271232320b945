import { expect, test } from 'vitest'
import { changedBy } from './live'

test('a change of a conversation is one of its customer', () => {
  expect(changedBy({ id: 'c1', person: 'p1' })).toEqual(['conversation c1', 'person p1', 'timeline p1', 'why p1'])
})
