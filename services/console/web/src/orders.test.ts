import { expect, test } from 'vitest'
import type { Touchpoint } from './api'
import { ordersOf } from './orders'

const told = (time: string, kind: string, thread: string[], properties?: object) => ({ key: time, time, kind, thread, properties, conversation: null }) as unknown as Touchpoint

test('an order is where its last touchpoint says', () => {
  const all = [
    told('2026-11-03T10:00:00.000Z', 'pickup.ready', ['order:1']),
    told('2026-11-01T10:00:00.000Z', 'order.placed', ['session:x', 'order:1'], { product: 'Lamp', amount: 49.9, currency: 'EUR' }),
    told('2026-11-02T10:00:00.000Z', 'order.placed', ['order:2'], { amount: '12', currency: 'euro' }),
    told('2026-11-05T10:00:00.000Z', 'message', ['order:2']),
    told('2026-11-05T11:00:00.000Z', 'order.paid', ['ticket:9']),
  ]
  expect(ordersOf(all).map((o) => [o.id, o.last.kind, o.placed, o.product, o.amount, o.currency])).toEqual([
    ['1', 'pickup.ready', '2026-11-01T10:00:00.000Z', 'Lamp', 49.9, 'EUR'],
    ['2', 'order.placed', '2026-11-02T10:00:00.000Z', '', null, ''],
  ])
})
