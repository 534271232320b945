// The JavaScript SDK of CloudEvents, over HTTP in its modes and over Kafka in both.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CloudEvent, emitterFor, httpTransport, HTTP, Kafka as KafkaBinding, Mode } from 'cloudevents'
import { Kafka, logLevel } from 'kafkajs'
import { kafka, key, timeline, url } from './server.mjs'

const event = (id, customer) => new CloudEvent({
  id, source: '/shop', type: 'com.example.message', time: '2026-03-02T10:00:00.000Z', datacontenttype: 'application/json',
  data: { channel: 'chat', direction: 'inbound', kind: 'message', actor: { type: 'customer' }, text: `I am ${id}`, identifiers: [{ type: 'customer_id', value: customer, verified: true }] },
})

const authorised = (message) => ({ ...message.headers, Authorization: `Bearer ${key}` })

test('structured and binary over HTTP', async () => {
  for (const mode of [Mode.STRUCTURED, Mode.BINARY]) {
    const emit = emitterFor(httpTransport(`${url}/v1/touchpoints`), { mode })
    await emit(event(`ce-js-${mode}`, 'ce-js'), { headers: { Authorization: `Bearer ${key}` } })
  }
  const all = await timeline('customer_id:ce-js', 2)
  assert.deepEqual(all.map((t) => [t.id, t.source, t.time]).sort(), [['ce-js-binary', '/shop', '2026-03-02T10:00:00.000Z'], ['ce-js-structured', '/shop', '2026-03-02T10:00:00.000Z']])
})

test('batched over HTTP', async () => {
  const events = [event('ce-js-batch-1', 'ce-js-batch'), event('ce-js-batch-2', 'ce-js-batch')]
  const body = `[${events.map((e) => HTTP.structured(e).body).join(',')}]`
  const answer = await fetch(`${url}/v1/touchpoints`, { method: 'POST', body, headers: { 'Content-Type': 'application/cloudevents-batch+json; charset=utf-8', Authorization: `Bearer ${key}` } })
  assert.deepEqual([answer.status, await answer.json()], [202, { accepted: 2, rejected: [] }])
  await timeline('customer_id:ce-js-batch', 2)
})

test('the messages that the SDK makes for other transports', async () => {
  for (const [name, message] of Object.entries({ structured: HTTP.structured(event('ce-js-own-structured', 'ce-js-own')), binary: HTTP.binary(event('ce-js-own-binary', 'ce-js-own')) })) {
    const answer = await fetch(`${url}/v1/touchpoints`, { method: 'POST', body: message.body, headers: authorised(message) })
    assert.equal(answer.status, 202, name)
  }
  await timeline('customer_id:ce-js-own', 2)
})

test('structured and binary over Kafka', async () => {
  const producer = new Kafka({ brokers: [kafka], clientId: 'cloudevents', logLevel: logLevel.NOTHING }).producer()
  await producer.connect()
  const plain = (headers) => Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))
  for (const [name, bind] of Object.entries({ structured: KafkaBinding.structured, binary: KafkaBinding.binary })) {
    const message = bind(event(`ce-js-kafka-${name}`, 'ce-js-kafka'))
    const value = typeof message.value === 'string' ? message.value : JSON.stringify(message.value)
    await producer.send({ topic: 'touchpoints.raw', messages: [{ key: message.key ?? null, value, headers: plain(message.headers) }] })
  }
  await producer.disconnect()
  const all = await timeline('customer_id:ce-js-kafka', 2)
  assert.deepEqual(all.map((t) => [t.id, t.source]).sort(), [['ce-js-kafka-binary', '/shop'], ['ce-js-kafka-structured', '/shop']])
})
