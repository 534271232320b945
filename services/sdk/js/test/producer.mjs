// A process that sends and then has nothing else to do: its end waits for the log to have everything. THROUGHLINE_COUNT says how many.
import { Client } from '../dist/index.js'

const client = new Client({ url: process.env.THROUGHLINE_URL, key: process.env.THROUGHLINE_KEY, batch: 50, longestWait: 500 })
const count = Number(process.env.THROUGHLINE_COUNT)
for (let n = 0; n < count; n++) {
  const sent = client.send({
    id: `js-${n}`, time: '2026-03-02T10:00:00.000Z', channel: 'chat', direction: 'inbound', kind: 'message', actor: { type: 'customer' },
    identifiers: [{ type: 'customer_id', value: `js-${n % 20}`, verified: true }], text: `message ${n}`, properties: { n },
  })
  sent.then((id) => { if ((n + 1) % 100 === 0) console.log(id) })
  if (n % 20 === 0) await new Promise((done) => setTimeout(done, 10))
}
