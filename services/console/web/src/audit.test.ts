import { expect, test } from 'vitest'
import { linesOf } from './audit'

async function* pieces(...all: string[]) {
  yield* all
}

test('lines come whole, whatever pieces they came in', async () => {
  const seen = []
  for await (const line of linesOf(pieces('{"progress":"a"}\n{"pro', 'gress":"b"}\n\n', '{"result":{}}'))) seen.push(line)
  expect(seen).toEqual([{ progress: 'a' }, { progress: 'b' }, { result: {} }])
})
