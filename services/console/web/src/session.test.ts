import { expect, test } from 'vitest'
import { sessionOf } from './session'

test('the page says who is signed in, that nobody is, or nothing', () => {
  expect(sessionOf('{"workspace":"default","name":"eva","scopes":["read"]}')).toEqual({ workspace: 'default', name: 'eva', scopes: ['read'] })
  expect(sessionOf('null')).toBeNull()
  for (const nothing of ['', '__SESSION__', undefined]) expect(sessionOf(nothing)).toBeUndefined()
})
