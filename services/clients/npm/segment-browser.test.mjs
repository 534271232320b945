// @segment/analytics-next as it comes from npm, in a real Chromium, on a page of another server.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { chromium } from 'playwright-core'
import { eventually, key, person, timeline, url } from './server.mjs'

const library = readFileSync(new URL('node_modules/@segment/analytics-next/dist/umd/index.js', import.meta.url))

/** A shop: its page loads the library and says nothing but the key and where the settings are. */
function shop(options) {
  const page = `<!doctype html><title>Shop</title><script src="/analytics.js"></script>
    <script>window.analytics = AnalyticsNext.AnalyticsBrowser.load({ writeKey: ${JSON.stringify(key)}, cdnURL: ${JSON.stringify(url)} }, ${JSON.stringify(options ?? {})})</script>`
  const server = createServer((request, answer) => {
    const script = request.url === '/analytics.js'
    answer.setHeader('Content-Type', script ? 'text/javascript' : 'text/html')
    answer.end(script ? library : page)
  })
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server)))
}

async function browse(options, visit) {
  const server = await shop(options)
  const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium'].find((p) => p && existsSync(p))
  const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
  try {
    const page = await (await browser.newContext({ locale: 'de-DE' })).newPage()
    const errors = []
    page.on('pageerror', (e) => errors.push(e.message))
    await page.goto(`http://127.0.0.1:${server.address().port}/games?utm_source=newsletter&utm_campaign=spring`)
    await visit(page)
    assert.deepEqual(errors, [])
  } finally {
    await browser.close()
    server.close()
  }
}

test('a visitor looks, logs in and buys', async () => {
  let anonymous
  await browse({}, async (page) => {
    anonymous = await page.evaluate(async () => {
      await analytics.page()
      await analytics.track('Product Viewed', { sku: 'G-32' })
      const id = (await analytics.user()).anonymousId()
      await analytics.identify('web-1', { email: 'web1@example.com' })
      await analytics.group('initech', { name: 'Initech' })
      await analytics.track('Order Completed', { order_id: 'W-1', total: 12 })
      return id
    })
    const all = await timeline('customer_id:web-1', 5)
    const viewed = all.find((t) => t.kind === 'page.viewed')
    assert.deepEqual(all.map((t) => t.kind).sort(), ['account.updated', 'order.placed', 'page.viewed', 'profile.updated', 'track.product_viewed'])
    assert.ok(all.every((t) => t.channel === 'web' && t.language === 'de-DE'))
    assert.equal(viewed.properties.campaign_name, 'spring')
    assert.match(viewed.properties.context.page.url, /games/)
    assert.equal(JSON.stringify(all).includes(key), false)
  })
  const who = await person('customer_id:web-1')
  assert.equal((await person(`cookie:${anonymous}`)).id, who.id)
  assert.equal(await person('email:web1@example.com'), undefined)
})

test('in batches, and what is left when the page is left', async () => {
  const batches = { integrations: { 'Segment.io': { deliveryStrategy: { strategy: 'batching', config: { size: 10, timeout: 60_000 } } } } }
  await browse(batches, async (page) => {
    await page.evaluate(() => {
      analytics.identify('web-2')
      for (let i = 0; i < 12; i++) analytics.track('Clicked', { i })
    })
    await eventually('all are queued', () => page.evaluate(async () => (await analytics.user()).id() === 'web-2'))
    await timeline('customer_id:web-2', 10)
    await page.goto('about:blank')
    const all = await timeline('customer_id:web-2', 13)
    assert.deepEqual(all.filter((t) => t.kind === 'track.clicked').map((t) => t.properties.i).sort((a, b) => a - b), [...Array(12).keys()])
  })
})
