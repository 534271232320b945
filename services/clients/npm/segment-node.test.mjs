// @segment/analytics-node as it comes from npm: only its host says where to send.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Analytics } from '@segment/analytics-node'
import { api, eventually, key, person, timeline, url } from './server.mjs'

test('every call of the library', async () => {
  const analytics = new Analytics({ writeKey: key, host: url, flushAt: 3 })
  const failed = []
  analytics.on('error', (e) => failed.push(e))
  const anonymousId = '5f0c7f35-4b5e-4a52-9b2f-0b1f9e2d7a11'
  analytics.page({ anonymousId, name: 'Home', properties: { url: 'https://shop.example/' } })
  analytics.track({ anonymousId, event: 'Product Viewed', properties: { sku: 'G-32' }, context: { campaign: { name: 'spring', source: 'newsletter' } } })
  analytics.identify({ userId: 'node-1', anonymousId, traits: { email: 'node1@example.com', plan: 'premium', name: 'Nora' } })
  analytics.track({ userId: 'node-1', event: 'Order Completed', properties: { order_id: 'N-77', total: 27.5 }, messageId: 'node-order' })
  analytics.group({ userId: 'node-1', groupId: 'acme', traits: { name: 'Acme', employees: 12 } })
  analytics.screen({ userId: 'node-1', name: 'Cart' })
  analytics.alias({ userId: 'node-1', previousId: '7d1c7f35-4b5e-4a52-9b2f-0b1f9e2d7a22' })
  await analytics.closeAndFlush()
  assert.deepEqual(failed, [])

  const all = await timeline('customer_id:node-1', 7)
  const kinds = all.map((t) => t.kind).sort()
  assert.deepEqual(kinds, ['account.updated', 'order.placed', 'page.viewed', 'profile.linked', 'profile.updated', 'screen.viewed', 'track.product_viewed'])
  const of = (kind) => all.find((t) => t.kind === kind)
  assert.equal(of('order.placed').id, 'node-order')
  assert.equal(of('screen.viewed').channel, 'app')
  assert.equal(of('page.viewed').channel, 'web')
  assert.equal(of('account.updated').account, 'acme')
  assert.equal(of('track.product_viewed').properties.campaign_name, 'spring')
  assert.equal(of('track.product_viewed').properties.sku, 'G-32')
  assert.ok(of('track.product_viewed').properties.context.library.name)
  assert.equal(of('profile.updated').properties.plan, 'premium')

  // The visitor before the login, and the id before the alias, are the customer; the address is only claimed.
  const who = await person('customer_id:node-1')
  assert.equal((await person(`cookie:${anonymousId}`)).id, who.id)
  assert.equal((await person('cookie:7d1c7f35-4b5e-4a52-9b2f-0b1f9e2d7a22')).id, who.id)
  assert.equal(await person('email:node1@example.com'), undefined)
  const account = await api('/v1/accounts/acme')
  assert.equal(account.name, 'Acme')
})

test('sent again it is the same', async () => {
  for (let attempt = 0; attempt < 3; attempt++) {
    const analytics = new Analytics({ writeKey: key, host: url })
    analytics.track({ userId: 'node-2', event: 'Twice', messageId: 'node-twice', timestamp: '2026-03-02T10:00:00.000Z' })
    await analytics.closeAndFlush()
  }
  await timeline('customer_id:node-2', 1)
  const { dead_letters } = await api('/v1/dead-letters?source=conflict')
  assert.deepEqual(dead_letters, [])
})

test('a wrong key is said', async () => {
  const analytics = new Analytics({ writeKey: 'wrong', host: url, maxRetries: 0 })
  const failed = []
  analytics.on('error', (e) => failed.push(e))
  analytics.track({ userId: 'node-3', event: 'Never' })
  await analytics.closeAndFlush()
  assert.equal(failed.length, 1)
})

test('what a message lacks is a dead letter', async () => {
  const analytics = new Analytics({ writeKey: key, host: url })
  analytics.track({ userId: 'node-4', event: 'Good', messageId: 'node-good' })
  // A message of a client that does not look: the library would refuse it.
  const body = JSON.stringify({ batch: [{ type: 'track', userId: 'node-4', messageId: 'node-bad' }, { type: 'track', event: 'Also good', userId: 'node-4', messageId: 'node-good-2' }] })
  const answer = await fetch(`${url}/v1/batch`, { method: 'POST', body, headers: { Authorization: `Basic ${btoa(`${key}:`)}`, 'Content-Type': 'application/json' } })
  assert.deepEqual([answer.status, await answer.json()], [200, { success: true }])
  await analytics.closeAndFlush()
  await timeline('customer_id:node-4', 2)
  const letter = await eventually('the dead letter', async () => (await api('/v1/dead-letters?source=segment')).dead_letters.find((l) => l.touchpoint === 'node-bad'))
  assert.equal(letter.field, 'event')
})
