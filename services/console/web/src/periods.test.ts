import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { dayOf, daysOf, isZone, lastDays, periodText, soFar } from './periods'

const plain = (text: string) => text.replaceAll(/\s/g, ' ') // there are many spaces

describe.each(['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland'])('a reader in %s', (tz) => {
  const own = process.env.TZ
  beforeEach(() => void (process.env.TZ = tz))
  afterEach(() => void (own === undefined ? delete process.env.TZ : (process.env.TZ = own)))

  const local = (...at: [number, number, number, number?, number?]) => new Date(...at).toISOString()
  const now = () => new Date(2026, 10, 22, 9, 30)

  test('a day is beside the same weekday, until the same time', () => {
    expect(soFar(now(), 1)).toEqual({
      now: { from: local(2026, 10, 22), to: local(2026, 10, 22, 9, 30) },
      before: { from: local(2026, 10, 15), to: local(2026, 10, 15, 9, 30) },
    })
  })

  test('days are beside as many days before, and do not overlap', () => {
    expect(soFar(now(), 28)).toEqual({
      now: { from: local(2026, 9, 26), to: local(2026, 10, 22, 9, 30) },
      before: { from: local(2026, 8, 28), to: local(2026, 9, 25, 9, 30) },
    })
  })

  test('today is the day of the reader, from its first minute to its last', () => {
    for (const [hour, minute] of [[0, 1], [9, 30], [23, 59]]) {
      const at = new Date(2026, 10, 22, hour, minute)
      const today = soFar(at, 1).now
      expect(daysOf(today, tz)).toEqual({ first: '2026-11-22', last: '2026-11-22' })
      expect(daysOf(lastDays(at, 1, tz), tz)).toEqual({ first: '2026-11-22', last: '2026-11-22' })
    }
  })

  test('the last days end with the end of today', () => {
    expect(lastDays(now(), 2, tz)).toEqual({ from: '2026-11-21', to: '2026-11-23' })
    expect(daysOf(lastDays(now(), 2, tz), tz)).toEqual({ first: '2026-11-21', last: '2026-11-22' })
  })

  test('whole days are named by the first and the last of them, over a change of clocks, too', () => {
    const month = { from: local(2026, 9, 25), to: local(2026, 10, 24) }
    expect(daysOf(month, tz)).toEqual({ first: '2026-10-25', last: '2026-11-23' })
    expect(plain(periodText(month, tz, 'en-GB'))).toBe('25 Oct – 23 Nov 2026')
    expect(periodText({ from: local(2026, 10, 22), to: local(2026, 10, 23) }, tz, 'de')).toBe('22.11.2026')
  })

  test('part of a day is told with its times', () => {
    expect(plain(periodText({ from: local(2026, 10, 22), to: local(2026, 10, 22, 9, 30) }, tz, 'en-GB'))).toBe('22 Nov 2026, 00:00–09:30')
  })
})

test('a link is read in the zone that it names', () => {
  const at = '2026-11-22T23:30:00Z'
  expect(dayOf(at, 'Europe/Berlin')).toBe('2026-11-23')
  expect(dayOf(at, 'America/New_York')).toBe('2026-11-22')
  vi.useFakeTimers({ now: new Date(at) })
  expect(lastDays(new Date(), 1, 'Asia/Tokyo')).toEqual({ from: '2026-11-23', to: '2026-11-24' })
  vi.useRealTimers()
  expect([isZone('Europe/Berlin'), isZone('Middle/Earth')]).toEqual([true, false])
})
