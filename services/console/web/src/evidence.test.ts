import { expect, test } from 'vitest'
import type { Evidence } from './api'
import { evidenceAt, ruleOf, seenBeside } from './evidence'

const email = { type: 'email', value: 'a@example.com' }
const phone = { type: 'phone', value: '+4930123456' }
const thread = { type: 'thread', value: 'ticket:1' }

test('what was in force at a time is what nothing had overtaken yet', () => {
  const one = (version: number, decision: string, at: string, in_force: boolean) => ({ id: 'pair', version, decision, at, in_force }) as Evidence
  const all = [one(2, 'undone', '2026-11-02T00:00:00Z', true), one(1, 'joined', '2026-11-01T00:00:00Z', false)]
  expect(evidenceAt(all, '2026-11-01T12:00:00Z')).toEqual([{ ...all[1], in_force: true }])
  expect(evidenceAt(all, '2026-11-03T00:00:00Z').map((e) => e.in_force)).toEqual([true, false])
  expect(evidenceAt(all, '2026-10-01T00:00:00Z')).toEqual([])
})

test('a preview marks who comes and who leaves, those before the others, and counts threads', () => {
  const before = [{ id: '1', identifiers: [thread, email] }, { id: '2', identifiers: [phone] }]
  const after = [{ id: '1', identifiers: [thread, email, phone] }]
  expect(seenBeside(before, after)).toEqual([
    { id: '1', identifiers: [{ node: email, moved: false }], threads: 1 },
    { id: '2', identifiers: [{ node: phone, moved: true }], threads: 0 },
  ])
  expect(seenBeside(after, before)).toEqual([{ id: '1', identifiers: [{ node: phone, moved: true }, { node: email, moved: false }], threads: 1 }])
})

test('rules are known by what they say; those of a workspace are told as they are', () => {
  expect(ruleOf('verified by one touchpoint')).toEqual({ key: 'verified' })
  expect(ruleOf('customer_id: max 1')).toEqual({ key: 'max', type: 'customer_id', n: 1 })
  expect(ruleOf('phone: share 5')).toEqual({ key: 'share', type: 'phone', n: 5 })
  expect(ruleOf('shared: phone')).toEqual({ key: 'shared', type: 'phone' })
  expect(ruleOf('blocked: noreply@*')).toEqual({ key: 'blocked', pattern: 'noreply@*' })
  expect(ruleOf('max_identifiers: 100')).toEqual({ key: 'size', n: 100 })
  expect(ruleOf('max_thread: 9')).toEqual({ key: 'threadSize', n: 9 })
  expect(ruleOf('ours')).toBeNull()
})
