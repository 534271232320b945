import { expect, test } from 'vitest'
import type { Touchpoint } from './api'
import { consentsOf } from './consents'

const said = (time: string, kind: string, properties: object = {}, channel = 'web') => ({ key: time, time, kind, channel, properties }) as unknown as Touchpoint
const shown = (all: Touchpoint[]) => consentsOf(all).map((c) => `${c.channel} ${c.purpose} ${c.given}`)

test('the last word counts, whatever order it is told in', () => {
  const all = [
    said('2026-11-01T10:00:00.000Z', 'consent.given', { channel: 'email', purpose: 'newsletter' }),
    said('2026-11-03T10:00:00.000Z', 'consent.withdrawn', { channel: 'email', purpose: 'newsletter' }),
    said('2026-11-02T10:00:00.000Z', 'consent.given', { channel: 'email', purpose: 'newsletter' }),
    said('2026-11-02T11:00:00.000Z', 'message'),
  ]
  expect(shown(all)).toEqual(['email newsletter false'])
  expect(shown(all.toReversed())).toEqual(['email newsletter false'])
})

test('channels and purposes are apart, and may come as lists', () => {
  const all = [
    said('2026-11-01T10:00:00.000Z', 'consent.given', { channel: ['sms', 'email'], purpose: ['offers', 'newsletter'] }),
    said('2026-11-02T10:00:00.000Z', 'consent.withdrawn', { channel: 'sms', purpose: 'offers' }),
  ]
  expect(shown(all)).toEqual(['email newsletter true', 'email offers true', 'sms newsletter true', 'sms offers false'])
})

test('without properties it is about the channel that it came by', () => {
  expect(shown([said('2026-11-01T10:00:00.000Z', 'consent.given', undefined, 'chat')])).toEqual(['chat  true'])
})
