// The server under test: THROUGHLINE_URL, THROUGHLINE_KEY and THROUGHLINE_KAFKA say where and as whom.
export const url = process.env.THROUGHLINE_URL
export const key = process.env.THROUGHLINE_KEY
export const kafka = process.env.THROUGHLINE_KAFKA

export async function api(path) {
  const answer = await fetch(url + path, { headers: { Authorization: `Bearer ${key}` } })
  if (answer.status === 404) return undefined
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

/** Waits until look gives something, half a minute at most. */
export async function eventually(what, look) {
  const until = Date.now() + 30_000
  let last
  while (Date.now() < until) {
    try {
      const found = await look()
      if (found) return found
    } catch (e) {
      last = e
    }
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error(`not after half a minute: ${what}${last ? `: ${last.message}` : ''}`)
}

export const person = (identifier) => api(`/v1/people?identifier=${encodeURIComponent(identifier)}`)

/** The timeline of whom an identifier names, once it has so many touchpoints. */
export function timeline(identifier, many) {
  return eventually(`${many} touchpoints of ${identifier}`, async () => {
    const who = await person(identifier)
    if (!who) return undefined
    const { touchpoints } = await api(`/v1/people/${who.id}/timeline?limit=200`)
    if (touchpoints.length > many) throw new Error(`${touchpoints.length} touchpoints`)
    return touchpoints.length === many && touchpoints
  })
}
