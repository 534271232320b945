// What people do in the console, done by clicking in a real Chromium at a real server that has the demo's data.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { after, afterEach, before, test } from 'node:test'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { api, key, launch, signIn, url } from './browser.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const shots = join(import.meta.dirname, '..', 'shots', 'tests') // kept to be looked at; nothing compares them
mkdirSync(shots, { recursive: true })
const run = Date.now().toString(36)

let browser, context, page
let faults = []

const listen = (p) => {
  p.on('console', (m) => m.type() === 'error' && faults.push(`${m.text()} at ${p.url()}`))
  p.on('pageerror', (e) => faults.push(`${e} at ${p.url()}`))
  return p
}

before(async () => {
  browser = await launch()
  context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-GB', timezoneId: 'Europe/Berlin', acceptDownloads: true })
  context.setDefaultTimeout(60_000) // machines that test are busy
  page = listen(await context.newPage())
})
after(() => browser?.close())
afterEach(() => {
  const seen = faults
  faults = []
  assert.deepEqual(seen, [], 'the browser complained')
})

const message = (id, change) => ({
  id: `${run}-${id}`, channel: 'email', direction: 'inbound', kind: 'message', actor: { type: 'customer' }, time: new Date().toISOString(), ...change,
})
const by = (value, type = 'email') => [{ type, value, verified: true }]

/** Asks until the answer is good: what was sent is on its way. */
async function eventually(what, ask) {
  for (let i = 0; i < 300; i++) {
    const answer = await ask()
    if (answer) return answer
    await new Promise((done) => setTimeout(done, 200))
  }
  assert.fail(`${what} never came`)
}
const personOf = (text) => eventually(text, async () => (await api(`/v1/search?q=${encodeURIComponent(text)}`)).found[0]?.person)
const open = async (path) => {
  await page.goto(url + path)
  await page.getByRole('heading', { level: 1 }).waitFor()
}
const settled = () => page.waitForFunction(() => !document.querySelector('[aria-label=Loading],[aria-label=Lädt]'))

test('a key that is not known is said to be so, and a good one signs in', async () => {
  await page.goto(url)
  await page.getByLabel('API key').first().fill('no such key')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('This key is not known').waitFor()
  faults = faults.filter((f) => !f.includes('401')) // the browser notes every answer that is none
  await signIn(page)
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
  assert.equal(await page.evaluate(() => document.cookie), '', 'a script can read the session')
  const cookie = (await context.cookies())[0]
  assert.ok(cookie.httpOnly && cookie.sameSite === 'Strict')
})

test('overview: every number opens', async () => {
  await open('/')
  await settled()
  assert.ok((await page.locator('.tile').count()) >= 6)
  await page.locator('canvas').waitFor()
  const touchpoints = page.locator('.tile').first()
  await touchpoints.click()
  await page.getByRole('heading', { level: 1, name: 'Reports' }).waitFor()
  await page.getByRole('region', { name: 'Table of the report' }).or(page.getByText('Nothing in this period')).waitFor()
})

test('inbox: who waits, by keyboard, with filters in the address, live', async () => {
  await open('/inbox')
  await page.locator('a.row').first().waitFor()
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.keyboard.press('k')
  const first = await page.locator('a.row').first().getAttribute('href')
  assert.equal(await page.locator('a.row[data-active]').getAttribute('href'), first)
  await page.keyboard.press('Enter')
  await page.waitForURL(`**${first}`)
  await page.getByRole('region', { name: 'Thread' }).getByRole('article').first().waitFor()

  await open('/inbox')
  await page.getByRole('combobox', { name: 'Channel' }).click()
  await page.getByRole('option', { name: 'E-mail' }).click()
  await page.waitForURL(/channel=/)
  await page.reload()
  await page.locator('a.row').first().waitFor()
  await page.getByText('E-mail', { exact: true }).first().waitFor() // the filter is still set

  await open('/inbox?show=all')
  await page.getByRole('status', { name: /^Live/ }).waitFor()
  await page.locator('a.row').first().waitFor()
  const subject = `Live ${run}`
  const sent = Date.now()
  await api('/v1/touchpoints', message('live', { identifiers: by(`live-${run}@example.com`), subject }))
  await page.getByText(subject).waitFor()
  console.log(`a new message showed after ${Date.now() - sent} ms`)
})

test('inbox: what is chosen stays chosen when others come before it', async () => {
  await open('/inbox?show=all')
  await page.getByRole('status', { name: /^Live/ }).waitFor()
  await page.locator('a.row').first().waitFor()
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  const chosen = await page.locator('a.row[data-active]').getAttribute('href')
  const subject = `Before ${run}`
  await api('/v1/touchpoints', message('before', { identifiers: by(`before-${run}@example.com`), subject }))
  await page.getByText(subject).waitFor()
  assert.equal(await page.locator('a.row[data-active]').getAttribute('href'), chosen)
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('href')), chosen)
  await page.keyboard.press('Enter')
  await page.waitForURL(`**${chosen}`)

  // Enter on what has the focus opens that, whatever was chosen.
  await open('/inbox')
  await page.locator('a.row').first().waitFor()
  await page.keyboard.press('j')
  await page.getByRole('link', { name: 'Reports' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Reports' }).waitFor()
})

test('search: what was picked is not typed, and what nobody is known by is said softly', async () => {
  const email = `picked-${run}@example.com`
  await api('/v1/touchpoints', message('pick', { identifiers: by(email) }))
  await personOf(email)
  await open('/inbox')
  const box = page.getByRole('combobox', { name: 'Find a customer' })
  await box.pressSequentially(`${email}.nobody`)
  await page.getByText(/^Nobody is known by this so far/).waitFor()
  assert.equal(await box.getAttribute('aria-invalid'), null)
  await box.fill('')
  await box.pressSequentially(email.slice(0, -6)) // how it begins is enough
  await page.getByRole('option').filter({ hasText: email }).click()
  await page.waitForURL(/people/)
  assert.equal(await box.inputValue(), '')
  assert.equal(await page.getByText(/^Nobody is known by this so far/).count(), 0)
})

test('customer: what happens shows at once', async () => {
  const email = `now-${run}@example.com`
  await api('/v1/touchpoints', message('n1', { identifiers: by(email), text: 'The first' }))
  const person = await personOf(email)
  await open(`/people/${person}`)
  await page.getByRole('article').getByText('The first').waitFor()
  await page.getByRole('status', { name: /^Live/ }).waitFor()
  await api('/v1/touchpoints', message('n2', { identifiers: by(email), text: 'And the second' }))
  await page.getByRole('article').getByText('And the second').waitFor({ timeout: 10_000 })
})

test('without a server pages stay, keep what they showed, and come back', async () => {
  const own = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-GB' }) // in which no page was fetched yet
  own.setDefaultTimeout(60_000)
  const p = await own.newPage()
  await signIn(p)
  await p.locator('.tile').first().waitFor()
  const gone = (r) => r.abort()
  await own.route(/\/(v1|assets)\//, gone)
  const figure = await p.locator('.tile').first().innerText()
  await p.getByRole('link', { name: 'Data quality' }).click()
  await p.getByRole('alert').getByText('The server cannot be reached').first().waitFor()
  await p.getByRole('link', { name: 'Overview' }).click()
  await p.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
  assert.equal(await p.evaluate(() => document.activeElement.tagName), 'H1', 'who goes to a page begins elsewhere')
  await p.getByText(/^Not refreshed since/).first().waitFor()
  assert.equal(await p.locator('.tile').first().innerText(), figure)
  await own.unroute(/\/(v1|assets)\//, gone)
  await p.getByText(/^Not refreshed since/).waitFor({ state: 'detached' })
  await p.getByRole('link', { name: 'Data quality' }).click()
  await p.getByRole('region', { name: 'Freshness' }).waitFor()
  await own.close()
})

test('an address that there is not shows the page that says so', async () => {
  const answer = await page.goto(`${url}/nowhere`)
  assert.equal(answer.status(), 404)
  await page.getByRole('heading', { level: 1, name: 'There is no such page' }).waitFor()
  faults = faults.filter((f) => !f.includes('404'))
})

test('inbox: whose answer is late, by what was promised', async () => {
  const [late, early] = [`Overdue ${run}`, `Just now ${run}`]
  await api('/v1/touchpoints', message('w1', { identifiers: by(`overdue-${run}@example.com`), subject: late, time: new Date(Date.now() - 400 * 86_400_000).toISOString() }))
  await api('/v1/touchpoints', message('w2', { identifiers: by(`just-now-${run}@example.com`), subject: early }))
  await personOf(`overdue-${run}@example.com`)
  await personOf(`just-now-${run}@example.com`)
  await open('/inbox')
  await page.getByRole('combobox', { name: 'Order' }).click()
  await page.getByRole('option', { name: 'Due first' }).click()
  await page.waitForURL(/order=due/)
  const row = page.getByRole('listitem').filter({ hasText: late })
  await row.getByText(/^missed 3\d\d d .*ago$/).waitFor()
  assert.match(await page.getByRole('listitem').first().innerText(), /missed/)
  await page.getByRole('combobox', { name: 'Promise' }).click()
  await page.getByRole('option', { name: 'Running' }).click()
  await page.waitForURL(/promise=/)
  await row.waitFor({ state: 'detached' })
  await page.getByRole('listitem').filter({ hasText: early }).getByText(/^due in/).waitFor()
})

test('customer: found while typing, with timeline, filters, evidence and the past', async () => {
  const email = `anna-${run}@example.com`
  await api('/v1/touchpoints', message('c1', { identifiers: [...by(email), ...by(`C-${run}`, 'customer_id')], text: 'Where is my parcel?', actor: { type: 'customer', name: 'Anna Example' } }))
  await api('/v1/touchpoints', message('c2', { channel: 'chat', identifiers: by(`C-${run}`, 'customer_id'), text: 'I ask here too' }))
  const person = await personOf(email)
  await eventually('both touchpoints', async () => (await api(`/v1/people/${person}`).catch(() => null))?.touchpoints === 2)
  await open('/customers')
  await page.getByRole('combobox', { name: 'Identifier of a customer' }).pressSequentially('exam')
  await page.getByRole('option').filter({ hasText: 'Anna Example' }).first().waitFor() // by any word of a name
  await page.getByRole('combobox', { name: 'Identifier of a customer' }).fill('')
  await page.getByRole('combobox', { name: 'Identifier of a customer' }).pressSequentially(email)
  await page.getByRole('option').filter({ hasText: email }).click()
  await page.getByRole('heading', { level: 1, name: 'Anna Example' }).waitFor()
  await page.getByRole('region', { name: 'Identifiers' }).getByText(email).waitFor()
  await page.getByText('I ask here too').first().waitFor()
  await page.getByText('Inbound', { exact: true }).click()
  await page.getByLabel('Words in it').fill('parcel')
  await page.waitForURL(/q=parcel/)
  await page.getByRole('article').getByText('I ask here too').waitFor({ state: 'detached' })
  await page.getByRole('tab', { name: 'Why is this one person?' }).click()
  await page.getByText('Joined', { exact: true }).first().waitFor()
  await open(`/people/${person}?at=2001-01-01T00:00:00Z`).catch(() => {})
  await page.getByText(/^Nobody knew this customer/).waitFor()
  faults = faults.filter((f) => !f.includes('404'))
})

test('customer: what they bought and agreed to, their company, and what could be seen before', async () => {
  const email = `bea-${run}@example.com`
  const who = { identifiers: by(email), actor: { type: 'customer', name: 'Bea Example' } }
  await api('/v1/touchpoints', message('b1', { ...who, channel: 'app', kind: 'order.placed', thread: [`order:O-${run}`], properties: { product: 'Lamp', amount: 49.9, currency: 'EUR' } }))
  await api('/v1/touchpoints', message('b2', { ...who, channel: 'web', kind: 'consent.given', properties: { channel: ['email', 'sms'], purpose: 'newsletter' } }))
  const person = await personOf(email)
  await eventually('both touchpoints', async () => (await api(`/v1/people/${person}`).catch(() => null))?.touchpoints === 2)
  await api('/v1/touchpoints', message('b3', { ...who, kind: 'consent.withdrawn', properties: { channel: 'email', purpose: 'newsletter' }, account: `Acme ${run}`, direction: 'inbound' }))
  await api('/v1/touchpoints', message('b4', { ...who, kind: 'account.updated', channel: 'portal', direction: 'internal', actor: { type: 'system' }, account: `Acme ${run}`, properties: { name: 'Acme Handels GmbH', managers: ['Eva Lang'] } }))
  await eventually('the account', async () => (await api(`/v1/accounts/${encodeURIComponent(`Acme ${run}`)}`).catch(() => null))?.name)
  await open(`/people/${person}`)
  await page.getByRole('region', { name: 'Orders' }).getByText('Lamp').waitFor()
  assert.match(await page.getByRole('region', { name: 'Orders' }).innerText(), /€49.90/)
  const consent = page.getByRole('region', { name: 'Consent' })
  await consent.getByText('Withdrawn').waitFor()
  assert.equal(await consent.getByText('newsletter').count(), 2)
  assert.equal(await consent.getByText('Given').count(), 1)
  await page.getByRole('region', { name: 'Account' }).getByText('Acme Handels GmbH').waitFor()

  // Somebody who has been known for a while: the demo's customers came in some minutes ago at least, this one is not.
  await page.getByRole('heading', { level: 1, name: 'Bea Example' }).waitFor()
  const known = Date.parse((await api(`/v1/people/${person}`)).known_since)
  await open(`/people/${person}?at=${new Date(known - 60_000).toISOString()}`)
  await page.getByText(/^Nobody knew this customer/).waitFor()
  faults = faults.filter((f) => !f.includes('404'))
})

test('customer: the past by the keyboard', async () => {
  const list = (await api('/v1/conversations?sort=newest&limit=100')).conversations
  const since = async (c) => Date.parse((await api(`/v1/people/${c.person}`)).known_since)
  let person
  for (const c of list) {
    if (Date.now() - (await since(c)) > 130_000) {
      person = c.person
      break
    }
  }
  if (!person) return // a server that started a moment ago has no past; what computes the steps is tested apart
  await open(`/people/${person}`)
  const slider = page.getByRole('slider', { name: 'What could be seen on' })
  await slider.focus()
  assert.equal(await slider.getAttribute('aria-valuetext'), 'Now')
  await page.keyboard.press('ArrowLeft')
  await page.waitForURL(/at=/)
  assert.match(await slider.getAttribute('aria-valuetext'), /20\d\d/)
  await page.getByText(/^As it could be seen on/).waitFor()
  await page.getByRole('button', { name: 'Back to now' }).click()
  await page.waitForURL((u) => !u.search.includes('at='))
})

test('conversation: what was promised, and what every measure means', async () => {
  await api('/v1/touchpoints', message('p1', { identifiers: by(`promise-${run}@example.com`), subject: `Promise ${run}` }))
  const person = await personOf(`promise-${run}@example.com`)
  const { conversations } = await eventually('the conversation', async () => {
    const found = await api(`/v1/people/${person}/conversations`)
    return found.conversations.length && found
  })
  await open(`/conversations/${conversations[0].id}`)
  const promised = page.getByRole('region', { name: 'Promised' })
  await promised.getByText('First response').waitFor()
  await promised.getByText('Running').first().waitFor()
  await promised.getByText(/left, until/).first().waitFor()
  const measures = page.getByRole('region', { name: 'Measures' })
  await measures.getByText('First response', { exact: true }).focus()
  await page.getByRole('tooltip').getByText(/first human reply/).waitFor()
})

test('correct: merge and split, each after its preview', async () => {
  const [one, two] = [`one-${run}@example.com`, `two-${run}@example.com`]
  await api('/v1/touchpoints', message('m1', { identifiers: by(one) }))
  await api('/v1/touchpoints', message('m2', { identifiers: by(two) }))
  const [a, b] = [await personOf(one), await personOf(two)]
  assert.notEqual(a, b)
  await open(`/people/${a}`)
  await page.getByRole('button', { name: 'Merge…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('combobox', { name: 'The other customer' }).pressSequentially(two)
  await page.getByRole('option').filter({ hasText: two }).click()
  await dialog.getByText(two).first().waitFor()
  await dialog.getByLabel('Why').fill('They wrote that both addresses are theirs')
  assert.ok(await dialog.getByRole('button', { name: 'Do it' }).isDisabled(), 'nothing is done before the preview')
  await dialog.getByRole('button', { name: 'Preview' }).click()
  await dialog.getByText('After').waitFor()
  await dialog.getByRole('button', { name: 'Do it' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText('They wrote that both addresses are theirs').first().waitFor()
  assert.equal(await personOf(one), await personOf(two))

  await open(`/people/${await personOf(one)}`)
  await page.getByRole('button', { name: 'Split…' }).click()
  await dialog.getByLabel(new RegExp(two)).check()
  await dialog.getByLabel('Why').fill('It was their neighbour')
  await dialog.getByRole('button', { name: 'Preview' }).click()
  await dialog.getByText('After').waitFor()
  await dialog.getByRole('button', { name: 'Do it' }).click()
  await dialog.waitFor({ state: 'detached' })
  await eventually('the split', async () => (await personOf(one)) !== (await personOf(two)))
})

test('reports: two dimensions, comparison, download, and a link that shows the same', async () => {
  await open('/reports')
  const table = page.getByRole('region', { name: 'Table of the report' })
  await table.waitFor()
  await page.locator('label').getByText('Touchpoints', { exact: true }).click()
  await page.getByRole('combobox', { name: 'And by' }).click()
  await page.getByRole('option', { name: 'Direction' }).click()
  await page.waitForURL(/then=direction/)
  await page.getByRole('switch', { name: 'Compare with the period before' }).click()
  await page.waitForURL(/compare=true/)
  await table.getByText(/none before|%/).first().waitFor()
  await settled()
  const total = await table.locator('tfoot').innerText()
  const cell = table.locator('tbody tr').first().getByRole('button').first()
  const count = Number((await cell.innerText()).replaceAll(/\D/g, ''))
  await cell.click()
  const receipt = page.getByRole('dialog')
  await receipt.getByText(new RegExp(`^${count.toLocaleString('en-GB')} rows?$`)).waitFor()
  await receipt.getByRole('listitem').first().waitFor()
  await receipt.getByRole('button', { name: 'Close' }).click()
  await receipt.waitFor({ state: 'detached' })
  const other = listen(await context.newPage())
  await other.goto(page.url())
  await other.getByRole('region', { name: 'Table of the report' }).locator('tfoot').waitFor()
  assert.equal((await other.getByRole('region', { name: 'Table of the report' }).locator('thead').innerText()), await table.locator('thead').innerText())
  assert.ok(total.length > 0)
  await other.close()
  await page.getByRole('button', { name: 'Download' }).click()
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'CSV' }).click()])
  const csv = readFileSync(await download.path(), 'utf8')
  assert.match(csv.split('\n')[0], /^Channel,Direction,Touchpoints/)
})

test('reports: a closed period says what late touchpoints changed, and opens them', async () => {
  const topic = `late-${run}`
  const began = new Date()
  await api('/v1/touchpoints', message('r1', { identifiers: by(`late-${run}@example.com`), topic, subject: 'In time', time: began.toISOString() }))
  const person = await personOf(`late-${run}@example.com`)
  await eventually('the first', async () => (await api(`/v1/people/${person}`).catch(() => null))?.touchpoints === 1)
  const to = new Date()
  const answer = { direction: 'outbound', actor: { type: 'agent', id: 'eva' }, time: new Date(began.getTime() + 1).toISOString() }
  await api('/v1/touchpoints', message('r2', { identifiers: by(`late-${run}@example.com`), topic, subject: 'Too late for the report', ...answer }))
  await eventually('the second', async () => (await api(`/v1/people/${person}`)).touchpoints === 2)

  // Reports are closed a day after their period; here at once.
  await context.route('**/v1/reports/**', (r) => r.continue({ url: `${r.request().url()}&grace=0` }))
  const period = `topic=${topic}&from=${new Date(began.getTime() - 1000).toISOString()}&to=${to.toISOString()}`
  await open(`/reports?of=touchpoints&by=channel&${period}`)
  await page.getByRole('status').getByText(/^One touchpoint of this period came in after it was closed/).waitFor()
  const table = page.getByRole('region', { name: 'Table of the report' })
  await table.locator('tbody').getByRole('button', { name: 'restated from 1 to 2' }).first().click()
  const receipt = page.getByRole('dialog')
  await receipt.getByText('1 row', { exact: true }).waitFor()
  await receipt.getByText('Too late for the report').waitFor()
  assert.equal(await receipt.getByText('In time').count(), 0)
  await receipt.getByRole('button', { name: 'Close' }).click()
  await receipt.waitFor({ state: 'detached' })
  await page.evaluate(axe)
  const faulty = (await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))).violations.filter((v) => v.impact === 'serious' || v.impact === 'critical')
  assert.deepEqual(faulty.map((v) => `${v.id}: ${v.nodes[0].html}`), [])
  await page.screenshot({ path: join(shots, 'reports-restated.png') })

  await eventually('the answered conversation', async () => (await api(`/v1/conversations?topic=${topic}`)).conversations[0]?.first_response_ms === 1)
  await open(`/reports?of=conversations&by=topic&figure=waiting&${period}`)
  await page.getByRole('status').getByText(/^One conversation has touchpoints of this period that came in after/).waitFor()
  await table.locator('tfoot').getByRole('button', { name: 'restated from 1 to 0' }).first().waitFor()
  await page.getByRole('button', { name: 'Show what came late' }).first().click()
  await receipt.getByText('1 row', { exact: true }).waitFor()
  await receipt.getByRole('button', { name: 'Close' }).click()
  await receipt.waitFor({ state: 'detached' })
  await context.unroute('**/v1/reports/**')
})

test('identity: a suggestion is accepted with a reason, and gone', async () => {
  const claimed = `claimed-${run}@example.com`
  await api('/v1/touchpoints', message('s0', { identifiers: by(claimed) }))
  for (const i of [1, 2, 3, 4, 5, 6, 7, 8]) {
    await api('/v1/touchpoints', message(`s${i}`, {
      channel: 'chat', time: new Date(Date.now() - i * 86_400_000).toISOString(), identifiers: [...by(`CL-${run}`, 'customer_id'), { type: 'email', value: claimed, verified: false }],
    }))
  }
  await eventually('the suggestion', async () => (await api('/v1/identity/suggestions?limit=200')).suggestions.some((s) => s.claimed.value === claimed && s.touchpoints === 8))
  await open('/identity')
  const card = page.getByRole('article', { name: new RegExp(claimed) })
  await card.getByRole('button', { name: 'Accept' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Why').fill('Checked by phone')
  await dialog.getByRole('button', { name: 'Accept' }).click()
  await dialog.waitFor({ state: 'detached' })
  await card.waitFor({ state: 'detached' })
  assert.equal(await personOf(claimed), await personOf(`CL-${run}`))
  for (const tab of ['Refusals', 'Shared values']) {
    await page.getByRole('tab', { name: tab }).click()
    await settled()
  }
})

test('data quality: a dead letter is repaired and sent again', async () => {
  const wrong = `pigeon_${run}`
  const answer = await fetch(`${url}/v1/touchpoints`, {
    method: 'POST', headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' }, body: JSON.stringify(message('d1', { channel: wrong, identifiers: by(`dead-${run}@example.com`) })),
  })
  assert.ok(answer.status === 202 || answer.status === 400)
  await eventually('the dead letter', async () => (await api('/v1/dead-letters?status=kept')).dead_letters.some((d) => d.reason.includes(wrong)))
  await open('/quality')
  await page.getByRole('region', { name: 'Lag by role' }).getByText('load').waitFor()
  const row = page.getByRole('row', { name: new RegExp(wrong) })
  await row.getByRole('button', { name: 'Repair' }).click()
  const content = page.getByLabel('What came')
  await content.fill((await content.inputValue()).replace(wrong, 'letter'))
  await page.getByRole('button', { name: 'Send again' }).click()
  await content.waitFor({ state: 'detached' })
  await personOf(`dead-${run}@example.com`)
})

test('data quality: sources, and an audit that is run', async () => {
  await open('/quality')
  await page.getByRole('region', { name: 'Sources' }).getByRole('row').nth(2).waitFor()
  const audit = page.getByRole('region', { name: 'Audit' })
  await audit.getByRole('button', { name: 'Run now' }).click()
  await audit.getByText('Nothing differs').waitFor({ timeout: 180_000 })
  await audit.getByText(/touchpoints, .* people and .* conversations/).waitFor()
  assert.equal((await api('/v1/audit')).last.difference_count, 0)
})

test('cracks: what falls through opens down to the touchpoint', async () => {
  await open('/cracks')
  await settled()
  await page.getByRole('tab').first().or(page.getByText('Nothing falls through')).first().waitFor()
  const tabs = await page.getByRole('tab').count()
  for (let i = 0; i < tabs; i++) {
    await page.getByRole('tab').nth(i).click()
    await settled()
    const shown = await page.getByRole('tabpanel').getByRole('listitem').count()
    const [, counted, more] = (await page.getByRole('tab').nth(i).innerText()).match(/(\d+)(\+?)$/)
    const mended = await page.getByRole('region', { name: /^Mended/ }).getByRole('listitem').count()
    assert.equal(shown - mended, Math.min(50, Number(counted)), 'the tab and its list do not agree')
    assert.equal(await page.getByText(/^There are more than these/).isVisible(), more === '+')
    if (more || Number(counted) > 50) await page.getByRole('button', { name: 'Show more' }).waitFor()
  }
  if (tabs === 0) return
  const row = page.getByRole('tabpanel').getByRole('listitem').filter({ has: page.getByRole('link', { name: "Open the customer's card" }) }).first()
  if (!(await row.count())) return
  await row.getByRole('link', { name: /^(E-mail|Phone|Customer number|Browser|[A-Z].*): |^Unknown customer/ }).first().waitFor() // whose it is
  await row.click() // wherever
  await page.getByRole('region', { name: 'Thread' }).getByRole('article').first().waitFor()
})

test('channels: a workspace calls and costs them as it does, at once, and takes it back', async () => {
  await open('/channels')
  await page.getByRole('cell', { name: 'WhatsApp' }).first().waitFor()
  const row = page.getByRole('row', { name: /Letter|Post by hand/ })
  const before = await row.innerText()
  await page.getByRole('button', { name: 'Edit Letter' }).click()
  const form = page.getByRole('dialog')
  await form.getByLabel('Name in English').fill('Post by hand')
  await form.getByLabel('Cost of a contact').fill('12.5')
  await form.getByLabel('Answer within').fill('7')
  await form.getByRole('button', { name: 'Save' }).click()
  await form.waitFor({ state: 'detached' })
  await row.getByText('Post by hand').waitFor()
  assert.match(await row.innerText(), /changed[\s\S]*7 d[\s\S]*€12.50/)
  await page.reload()
  await row.getByText('Post by hand').waitFor()
  await page.getByRole('button', { name: 'Edit Post by hand' }).click()
  await form.getByRole('button', { name: 'As the installation has it' }).click()
  await form.waitFor({ state: 'detached' })
  assert.equal(await row.innerText(), before)
})

/** Text that would do something where it is taken for anything but text, as long as a field takes. */
const hostile = (name, most) => {
  const attack = `<script>window.pwned=1</script><img src=x onerror="window.pwned=1">`
  const whole = `${name} ${run} ${attack} مرحبا بالعالم \u202eesrever\u202c 👩‍👩‍👧‍👦🏳️‍🌈 {{key}} \${1+1} =1+1 'x'; `
  return [...(whole + 'long words '.repeat(Math.max(0, Math.ceil((most - whole.length) / 11))))].slice(0, most).join('').trim()
}
const script = '<script>window.pwned=1</script>'

test('hostile text in every field is shown as text', async () => {
  const email = `hostile-${run}@example.com`
  const claimed = `claimed-hostile-${run}@example.com`
  const days = (n) => new Date(Date.now() - n * 86_400_000).toISOString()
  const said = {
    subject: hostile('subject', 2048), text: hostile('text', 100_000), topic: hostile('topic', 256), team: hostile('team', 256), account: hostile('account', 256), source: hostile('source', 256),
    tags: [hostile('tag', 128), hostile('another', 128)], thread: [`ticket:${hostile('thread', 1000)}`], properties: { [hostile('property', 500)]: hostile('value', 20_000), nested: { list: [hostile('item', 500)] } },
  }
  const number = hostile('number', 200)
  const who = [...by(email), { type: 'customer_id', value: number, verified: true }]
  const send = (id, change) => api('/v1/touchpoints', message(`h${id}`, { identifiers: who, ...said, ...change }))
  await send(1, { time: days(9), actor: { type: 'customer', id: hostile('customer', 256), name: hostile('name', 256) } }) // nobody answers: it falls through
  await send(2, { time: days(8), actor: { type: 'agent', id: hostile('agent', 256), name: hostile('agent name', 256) }, direction: 'internal', kind: 'note' })
  await send(3, { time: days(4), channel: 'survey', kind: 'survey.answered', thread: undefined, rating: { scale: 'csat', value: 1 }, text: hostile('comment', 100_000), actor: { type: 'customer', name: hostile('name', 256) } })
  await api('/v1/touchpoints', message('h-known', { identifiers: by(claimed) }))
  for (const i of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
    await send(`claim-${i}`, { channel: 'chat', time: days(i), text: hostile('claim', 300), thread: undefined, properties: undefined, identifiers: [{ type: 'customer_id', value: number, verified: true }, { type: 'email', value: claimed, verified: false }] })
  }
  const dead = await fetch(`${url}/v1/touchpoints`, {
    method: 'POST', headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' }, body: JSON.stringify(message('h-dead', { ...said, identifiers: who, channel: hostile('channel', 100), kind: hostile('kind', 100) })),
  })
  assert.ok(dead.status === 202 || dead.status === 400)
  const label = await fetch(`${url}/v1/registry/channels/letter`, {
    method: 'PUT', headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' }, body: JSON.stringify({ label: { en: hostile('label', 60), de: hostile('label', 60) }, respond_seconds: 3600, tone: 'formal', cost: 1 }),
  })
  assert.equal(label.status, 200, await label.text())

  const person = await personOf(email)
  const { conversations } = await eventually('the conversation', async () => {
    const list = await api(`/v1/people/${person}/conversations`)
    return list.conversations.length && list
  })
  await eventually('the suggestion', async () => (await api('/v1/identity/suggestions?limit=200')).suggestions.some((s) => s.claimed.value === claimed && s.touchpoints === 9))
  await eventually('the dead letter', async () => (await api('/v1/dead-letters?status=kept')).dead_letters.some((d) => JSON.stringify(d).includes('window.pwned')))
  await eventually('the crack', async () => (await api('/v1/cracks')).cracks.some((c) => c.kind === 'complaint_without_answer' && c.person === person))

  const seen = [
    `/people/${person}`, `/people/${person}?tab=why`, ...conversations.map((c) => `/conversations/${c.id}`), '/inbox?show=all', '/cracks?kind=complaint_without_answer', '/identity', '/quality', '/channels', '/customers',
    ...['topic', 'team', 'agent', 'account', 'source', 'tag'].map((d) => `/reports?of=touchpoints&by=${d}&then=channel&compare=true`), '/reports?by=account&then=topic',
    '/', `/?${script}`, '/inbox?topic=%3Cscript%3E', `/reports?team=${encodeURIComponent(said.team)}`,
  ]
  const silent = ['/customers', '/', `/?${script}`, '/inbox?topic=%3Cscript%3E'] // they say nothing of it, unless it is looked for
  for (const path of seen) {
    await open(path)
    await settled()
    if (!silent.includes(path)) await page.getByText(script, { exact: false }).first().waitFor({ state: 'attached' }).catch((e) => assert.fail(`${path} does not show it: ${e}`))
    assert.equal(await page.evaluate(() => window.pwned), undefined, path)
    assert.equal(await page.locator('img[src=x]').count(), 0, path)
    assert.ok(await page.evaluate(() => [...document.scripts].every((s) => !s.textContent.includes('pwned='))), `${path} has it as a script`)
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), `${path} is wider than the window`)
  }
  await open('/customers')
  await page.getByRole('combobox').first().fill(email)
  await page.getByRole('option').filter({ hasText: email }).first().waitFor()
  assert.equal(await page.evaluate(() => window.pwned), undefined, 'found')
  await open('/identity')
  await page.getByRole('article', { name: new RegExp(claimed) }).getByText(script).first().waitFor()
  await open(`/people/${person}`)
  await page.getByRole('article').getByText(script, { exact: false }).first().waitFor()
  const comment = page.getByRole('article').filter({ hasText: `comment ${run}` }).first()
  await comment.getByRole('button', { name: /Show all of it/ }).click()
  await eventually('all of the comment', async () => (await comment.innerText()).length > 90_000)
  assert.equal(await page.evaluate(() => window.pwned), undefined, 'all of it')
  const reset = await fetch(`${url}/v1/registry/channels/letter`, { method: 'DELETE', headers: { Authorization: `Bearer ${key}` } })
  assert.ok(reset.ok, `${reset.status}`)
})

/** Where people go, with something to see. */
async function everyPage() {
  const c = (await api('/v1/conversations?state=resolved&limit=1')).conversations[0] ?? (await api('/v1/conversations?limit=1')).conversations[0]
  return ['/', '/inbox', '/customers', '/reports?then=topic&compare=true', '/cracks', '/identity', '/quality', '/channels', `/conversations/${c.id}`, `/people/${c.person}`, `/people/${c.person}?tab=why`, '/nowhere']
}

test('every page, wide and narrow, light and dark, is without serious faults of accessibility, and fits', async () => {
  const found = []
  for (const [width, colorScheme, locale] of [[1440, 'light', 'en-GB'], [1440, 'dark', 'en-GB'], [375, 'light', 'de-DE']]) {
    const own = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, locale, reducedMotion: 'reduce' })
    const p = listen(await own.newPage())
    await signIn(p)
    for (const path of await everyPage()) {
      await p.goto(url + (path === '/nowhere' ? '/channels/nowhere' : path))
      await p.getByRole('heading', { level: 1 }).waitFor()
      await p.waitForFunction(() => !document.querySelector('[aria-label=Loading],[aria-label=Lädt]'))
      await p.evaluate(axe)
      await p.screenshot({ path: join(shots, `${path.split(/[?]/)[0].split('/')[1] || 'overview'}${path.includes('why') ? '-why' : ''}-${width}-${colorScheme}-${locale.slice(0, 2)}.png`) })
      const result = await p.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
      for (const v of result.violations) {
        if (v.impact === 'serious' || v.impact === 'critical') found.push(`${path} ${width} ${colorScheme}: ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + ' ' + (n.any[0]?.message ?? '')).join(' | ')}`)
      }
      if (await p.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)) found.push(`${path} is wider than ${width} px`)
    }
    await own.close()
  }
  assert.deepEqual(found, [])
})

// Answers that arrive while the page draws those before: React gives up on a page that is drawn anew some fifty times without a rest.
test('a list whose answers come while the machine is busy is drawn', async () => {
  const own = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce' })
  const p = listen(await own.newPage())
  await signIn(p)
  const cdp = await own.newCDPSession(p)
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: 12 })
  await p.goto(`${url}/identity`)
  await p.getByRole('article').first().waitFor()
  await p.evaluate(axe)
  await p.evaluate(() => window.axe.run(document)) // work enough
  await p.getByRole('link', { name: /Open the customer's card/ }).first().waitFor()
  await own.close()
})

test('German, dark colours, and signing out', async () => {
  await open('/')
  await page.getByRole('button', { name: 'Preferences and sign out' }).click()
  await page.getByRole('menuitem', { name: 'Deutsch' }).click()
  await page.getByRole('heading', { level: 1, name: 'Überblick' }).waitFor()
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'de')
  await page.getByRole('button', { name: 'Einstellungen und Abmelden' }).click()
  await page.getByRole('menuitem', { name: 'Dunkle Farben' }).click()
  assert.equal(await page.evaluate(() => document.documentElement.dataset.mantineColorScheme), 'dark')
  await page.reload()
  await page.getByRole('heading', { level: 1, name: 'Überblick' }).waitFor()
  await page.getByRole('button', { name: 'Einstellungen und Abmelden' }).click()
  await page.getByRole('menuitem', { name: 'Abmelden' }).click()
  await page.getByRole('button', { name: 'Anmelden' }).waitFor()
  assert.equal((await context.cookies()).length, 0)
})
