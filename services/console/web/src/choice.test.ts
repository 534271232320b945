import { expect, test } from 'vitest'
import { type Choice, followed, moved } from './choice'

const step = (ids: string[], choice: Choice | null, by: number) => moved(ids, followed(ids, choice), by)?.id

test('keys go from row to row and no further than the list', () => {
  expect(step(['a', 'b'], null, 1)).toBe('a')
  expect(step(['a', 'b'], { id: 'a', at: 0 }, 1)).toBe('b')
  expect(step(['a', 'b'], { id: 'b', at: 1 }, 1)).toBe('b')
  expect(step(['a', 'b'], { id: 'a', at: 0 }, -1)).toBe('a')
  expect(step([], { id: 'a', at: 0 }, 1)).toBe('a')
})

test('the choice follows its row when others come before it', () => {
  expect(followed(['new', 'a', 'b'], { id: 'a', at: 0 })).toEqual({ id: 'a', at: 1 })
  expect(step(['new', 'a', 'b'], { id: 'a', at: 0 }, 1)).toBe('b')
})

test('the neighbours of a row that is gone are the next', () => {
  expect(step(['a', 'c'], { id: 'b', at: 1 }, 1)).toBe('c')
  expect(step(['a', 'c'], { id: 'b', at: 1 }, -1)).toBe('a')
  expect(step(['a'], { id: 'b', at: 1 }, 1)).toBe('a')
})
