// Takes a picture of every page at 1440 and 375 px into the folder that is named: node e2e/shots.mjs FOLDER [de] [dark]
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { api, launch, signIn, url } from './browser.mjs'

const [folder = 'shots', ...wishes] = process.argv.slice(2)
mkdirSync(folder, { recursive: true })
const locale = wishes.includes('de') ? 'de-DE' : 'en-GB'
const colorScheme = wishes.includes('dark') ? 'dark' : 'light'

const waiting = (await api('/v1/conversations?sort=newest&limit=100&state=resolved')).conversations
const long = waiting.filter((c) => c.touchpoints <= 12).sort((a, b) => b.channels.length - a.channels.length || b.touchpoints - a.touchpoints)[0]
const pages = { overview: '/', 'overview-week': '/?days=7', inbox: '/inbox', customers: '/customers', reports: '/reports?of=conversations&by=channel&then=topic', 'reports-days': '/reports?of=touchpoints&by=day&then=channel&compare=true', cracks: '/cracks', identity: '/identity', quality: '/quality', channels: '/channels' }
if (long) Object.assign(pages, { conversation: `/conversations/${long.id}`, person: `/people/${long.person}`, why: `/people/${long.person}?tab=why` })

const browser = await launch()
for (const [width, height] of [[1440, 900], [375, 812]]) {
  const context = await browser.newContext({ viewport: { width, height }, locale, colorScheme, timezoneId: 'Europe/Berlin' })
  const page = await context.newPage()
  page.on('console', (m) => m.type() === 'error' && console.log(`${m.text()} (${page.url()})`))
  page.on('pageerror', (e) => console.log(`${e} (${page.url()})`))
  await signIn(page)
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(url + path)
    await page.waitForLoadState('load')
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.waitForFunction(() => !document.querySelector('[aria-label=Loading],[aria-label=Lädt]'), undefined, { timeout: 15_000 }).catch(() => console.log(`${name} still loads`))
    if (await page.locator('.tile').count()) await page.locator('.tile').last().getByText(/\d/).first().waitFor({ timeout: 15_000 })
    // A chart that is not about to be seen is not drawn.
    if (await page.evaluate(() => (document.querySelector('.chart, .small-chart')?.getBoundingClientRect().top ?? Infinity) < innerHeight)) await page.locator('canvas').first().waitFor({ timeout: 15_000 }).catch(() => console.log(`${name} draws no chart`))
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 250))))
    await page.screenshot({ path: join(folder, `${name}-${width}.png`) })
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)
    if (wide) console.log(`${name} is wider than ${width} px`)
  }
  await context.close()
}
await browser.close()
console.log(`pictures are in ${folder}`)
