// The client in a page of another server, which is left at once: THROUGHLINE_URL, THROUGHLINE_KEY, CHROMIUM, and PLAYWRIGHT, the
// module that drives the browser.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const { chromium } = await import(process.env.PLAYWRIGHT)
const dist = new URL('../dist/', import.meta.url)
const shop = createServer((request, answer) => {
  const script = request.url.endsWith('.js')
  answer.setHeader('Content-Type', script ? 'text/javascript' : 'text/html')
  answer.end(script ? readFileSync(new URL(`.${request.url}`, dist)) : '<!doctype html><title>Shop</title>')
})
await new Promise((done) => shop.listen(0, '127.0.0.1', done))
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
try {
  const page = await browser.newPage()
  await page.goto(`http://127.0.0.1:${shop.address().port}/`)
  await page.evaluate(async ([url, key]) => {
    const { Client } = await import('/index.js')
    const client = new Client({ url, key, linger: 60_000 })
    const visit = (id) => client.send({
      id, time: '2026-03-02T10:00:00.000Z', channel: 'web', direction: 'inbound', kind: 'page.viewed', actor: { type: 'customer' },
      identifiers: [{ type: 'customer_id', value: 'page', verified: true }],
    })
    for (let n = 0; n < 30; n++) visit(`page-${n}`).catch(() => {})
  }, [process.env.THROUGHLINE_URL, process.env.THROUGHLINE_KEY])
  await page.goto('about:blank')
  await new Promise((done) => setTimeout(done, 500)) // the page is gone; the browser still sends
} finally {
  await browser.close()
  shop.close()
}
