// Measures how soon the console can be used in a Chromium whose CPU is slowed down to a quarter, beside an empty page in the same run:
// node e2e/load.mjs [RUNS]. A server must run: THROUGHLINE_URL and THROUGHLINE_KEY say where and as whom.
import { launch, signIn, url } from './browser.mjs'

const runs = Number(process.argv[2] ?? 5)
const slower = 4

const browser = await launch()
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-GB', timezoneId: 'Europe/Berlin' })
const page = await context.newPage()
await signIn(page)

/** What the page says of its own beginning, in ms since somebody asked for it. */
const usable = () =>
  new Promise((done) => {
    // Usable: the figures are there, and the thread is free to take a key.
    const look = () => {
      const figures = [...document.querySelectorAll('.tile .figure')]
      if (figures.length < 8 || !document.querySelector('input')) return requestAnimationFrame(look)
      const drawn = performance.now()
      const channel = new MessageChannel()
      channel.port1.onmessage = () => {
        const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN
        const scripts = performance.getEntriesByType('resource').filter((r) => r.name.endsWith('.js'))
        const asked = performance.getEntriesByType('resource').filter((r) => r.name.includes('/v1/'))
        done({
          paint, drawn, usable: performance.now(), scripts: scripts.length, asked: asked.length,
          bytes: scripts.filter((r) => r.startTime < paint).reduce((sum, r) => sum + r.encodedBodySize, 0),
          before: asked.length ? Math.min(...asked.map((r) => r.startTime)) : NaN,
        })
      }
      requestAnimationFrame(() => channel.port2.postMessage(null))
    }
    look()
  })

async function measure(path, ready) {
  const own = await context.newPage()
  const cdp = await context.newCDPSession(own)
  await cdp.send('Network.enable')
  await cdp.send('Network.setCacheDisabled', { cacheDisabled: true })
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: slower })
  await own.goto(url + path, { waitUntil: 'commit' })
  // Not by own.evaluate, which first runs a script of its own that keeps the page as busy as much of ours does.
  const { result } = await cdp.send('Runtime.evaluate', { expression: `(${ready})()`, awaitPromise: true, returnByValue: true })
  await own.close()
  return result.value
}

const empty = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done({ usable: performance.now() }))))
const middle = (all, of) => all.map((s) => s[of]).sort((a, b) => a - b)[Math.floor(all.length / 2)]

const pages = []
const floors = []
for (let i = 0; i < runs; i++) {
  floors.push(await measure('/icon.svg', empty))
  pages.push(await measure('/', usable))
}
await browser.close()
const last = pages.at(-1)
const ms = (n) => `${Math.round(n)} ms`
console.log(`console, ${slower}x slower CPU, nothing in the cache, median of ${runs}: usable after ${ms(middle(pages, 'usable'))}, first picture ${ms(middle(pages, 'paint'))}, an empty page ${ms(middle(floors, 'usable'))}`)
console.log(`  ${Math.round(last.bytes / 1024)} KiB of script (gzip) in ${last.scripts} files before the first picture; ${last.asked} questions to the API, the first after ${ms(middle(pages, 'before'))}`)
