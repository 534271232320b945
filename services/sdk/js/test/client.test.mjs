// The client at a server that answers badly: everything arrives, once for who counts ids, and in order.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { Client, ClosedError, ProblemError, QueueFullError, RefusedError } from '../dist/index.js'

const touchpoint = (n, more) => ({ channel: 'web', direction: 'inbound', kind: 'message', actor: { type: 'customer' }, identifiers: [{ type: 'cookie', value: 'c' }], text: String(n), ...more })

/** A server that answers what answer says, and remembers what came in the order in which it was first seen. */
async function server(answer) {
  const seen = new Map()
  const requests = []
  const http = createServer(async (request, response) => {
    let body = ''
    for await (const part of request) body += part
    const batch = JSON.parse(body)
    requests.push(batch.length)
    const { status, content = {}, headers = {}, stored = status === 202 } = answer(requests.length, batch)
    if (stored) for (const t of batch) if (!seen.has(t.id)) seen.set(t.id, t)
    if (status === 0) return response.destroy()
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(content))
  })
  await new Promise((done) => http.listen(0, '127.0.0.1', done))
  return { url: `http://127.0.0.1:${http.address().port}`, seen, requests, close: () => http.close() }
}

const accepted = { status: 202, content: { accepted: 1, rejected: [] } }

test('whatever the server does meanwhile, all arrive in order', async () => {
  let fate = 7
  const s = await server(() => {
    fate = (fate * 1103515245 + 12345) % 2147483648
    return [accepted, { status: 503 }, { status: 0 }, { status: 0, stored: true }, { status: 429 }, { status: 500, stored: true }, accepted][fate % 7]
  })
  const client = new Client({ url: s.url, key: 'k', batch: 7, linger: 1, firstWait: 1, longestWait: 4 })
  const sent = []
  for (let n = 0; n < 300; n++) sent.push(client.send(touchpoint(n)))
  await client.close()
  await Promise.all(sent)
  assert.deepEqual([...s.seen.values()].map((t) => t.text), [...Array(300).keys()].map(String))
  s.close()
})

test('one that is refused harms no neighbour, and a wrong key is said', async () => {
  const s = await server(() => ({ status: 202, content: { accepted: 1, rejected: [{ index: 1, id: 'b', field: 'channel', reason: 'unknown' }] } }))
  const client = new Client({ url: s.url, key: 'k', linger: 1 })
  const [a, b] = await Promise.allSettled([client.send(touchpoint(1, { id: 'a' })), client.send(touchpoint(2, { id: 'b' }))])
  assert.equal(a.value, 'a')
  assert.ok(b.reason instanceof RefusedError && b.reason.field === 'channel')
  s.close()
  const wrong = await server(() => ({ status: 401, content: { title: 'Unauthorized', detail: 'no' } }))
  const stranger = new Client({ url: wrong.url, key: 'k', linger: 1 })
  await assert.rejects(stranger.send(touchpoint(1)), (e) => e instanceof ProblemError && e.status === 401)
  wrong.close()
})

test('what is too large is halved', async () => {
  const s = await server((_, batch) => (batch.length > 3 ? { status: 413 } : accepted))
  const client = new Client({ url: s.url, key: 'k', linger: 1 })
  await Promise.all([...Array(10).keys()].map((n) => client.send(touchpoint(n))))
  assert.deepEqual([...s.seen.values()].map((t) => t.text), [...Array(10).keys()].map(String))
  s.close()
})

test('the queue is bounded, and a closed client takes no more', async () => {
  const s = await server((n) => (n === 1 ? { status: 503, headers: { 'Retry-After': '1' } } : accepted))
  const client = new Client({ url: s.url, key: 'k', queue: 3, linger: 1, firstWait: 1 })
  const sent = [1, 2, 3].map((n) => client.send(touchpoint(n)))
  await assert.rejects(client.send(touchpoint(4)), QueueFullError)
  const began = Date.now()
  await client.close()
  assert.ok(Date.now() - began > 900, 'Retry-After was not heeded')
  await Promise.all(sent)
  await assert.rejects(client.send(touchpoint(5)), ClosedError)
  assert.equal(client.waiting, 0)
  s.close()
})

test('a wrong setting is said', () => {
  assert.throws(() => new Client({ url: 'ftp://x', key: 'k' }), TypeError)
  assert.throws(() => new Client({ url: 'http://x', key: '' }), TypeError)
  assert.throws(() => new Client({ url: 'http://x', key: 'k', batch: 0 }), TypeError)
})
