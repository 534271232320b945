import { ClosedError, ProblemError, QueueFullError, RefusedError } from './errors.js'
import { settings, type Options, type Settings } from './options.js'
import { atTheEnd } from './page.js'
import type { Accepted, Problem, Touchpoint } from './types.js'

/** A touchpoint that waits for the log to have it. */
interface Waiting {
  id: string
  body: string
  done: (id: string) => void
  failed: (why: Error) => void
}

/** How much a body may be: well under the server's limit. In UTF-16 units, each of which takes at most three bytes. */
const longestBody = 1 << 20

/**
 * Sends touchpoints. One request is under way at a time, and what it carries is tried until the server has it: so the touchpoints
 * of a customer arrive in the order in which they were given. Each has its id and time from the beginning, so that what is sent
 * twice is there once.
 */
export class Client {
  readonly #settings: Settings
  #waiting: Waiting[] = []
  #sending = 0 // so many at the front are under way
  #running = false
  #closed = false
  #hurry = false // nobody waits for company
  #wake: (() => void) | undefined
  #idle: (() => void)[] = []
  readonly #leave: () => void

  constructor(options: Options) {
    this.#settings = settings(options)
    this.#leave = atTheEnd({ hidden: () => this.#farewell(), exit: () => void this.flush() })
  }

  /** How many touchpoints wait for the log to have them. */
  get waiting(): number {
    return this.#waiting.length
  }

  /**
   * Takes a touchpoint, and resolves to its id when the log has it. It rejects with QueueFullError or ClosedError when it was not taken,
   * with RefusedError when the server refused it, and with ProblemError when the server refuses all, as for a wrong key.
   */
  send(touchpoint: Touchpoint): Promise<string> {
    if (this.#closed) return Promise.reject(new ClosedError())
    if (this.#waiting.length >= this.#settings.queue) return Promise.reject(new QueueFullError())
    const id = touchpoint.id ?? crypto.randomUUID()
    const body = JSON.stringify({ ...touchpoint, id, time: touchpoint.time ?? new Date().toISOString() })
    return new Promise((done, failed) => {
      this.#waiting.push({ id, body, done, failed })
      if (this.#waiting.length - this.#sending >= this.#settings.batch) this.#wake?.()
      if (!this.#running) void this.#run()
    })
  }

  /** Resolves when nothing waits any more. */
  flush(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve()
    this.#hurry = true
    this.#wake?.()
    return new Promise((done) => this.#idle.push(done))
  }

  /** Takes no more, and resolves when nothing waits any more. */
  close(): Promise<void> {
    this.#closed = true
    return this.flush().finally(this.#leave)
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#waiting.length > 0) {
      if (!this.#hurry && this.#waiting.length < this.#settings.batch) await this.#pause(this.#settings.linger, true)
      const batch = this.#front()
      this.#sending = batch.length
      await this.#deliver(batch)
      this.#sending = 0
    }
    this.#running = this.#hurry = false
    for (const done of this.#idle.splice(0)) done()
  }

  /** The touchpoints of the next request. */
  #front(most = this.#settings.batch): Waiting[] {
    let length = 0
    const end = this.#waiting.findIndex((w, i) => i > 0 && (i === most || (length += w.body.length) > longestBody))
    return this.#waiting.slice(0, end < 0 ? undefined : end)
  }

  /** Tries until the server has the batch or will never take it. */
  async #deliver(batch: Waiting[]): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#post(batch)
      if (answer.status === 413 && batch.length > 1) {
        const half = Math.ceil(batch.length / 2)
        await this.#deliver(batch.slice(0, half))
        return this.#deliver(batch.slice(half))
      }
      if (!passing(answer.status)) {
        this.#waiting.splice(0, batch.length)
        settle(batch, answer)
        return
      }
      const spread = Math.min(this.#settings.firstWait * 2 ** Math.min(attempt, 20), this.#settings.longestWait)
      await this.#pause(Math.max(answer.retryAfter, spread / 2 + (Math.random() * spread) / 2), false)
    }
  }

  async #post(batch: Waiting[], keepalive = false): Promise<Answer> {
    try {
      const response = await this.#settings.fetch(`${this.#settings.url}/v1/touchpoints`, {
        method: 'POST', keepalive, credentials: 'omit', signal: AbortSignal.timeout(this.#settings.timeout),
        headers: { Authorization: `Bearer ${this.#settings.key}`, 'Content-Type': 'application/json' },
        body: `[${batch.map((w) => w.body).join(',')}]`,
      })
      const seconds = Number(response.headers.get('Retry-After'))
      const text = await response.text()
      return { status: response.status, retryAfter: seconds > 0 ? Math.min(seconds, 60) * 1000 : 0, content: JSON.parse(text || '{}') }
    } catch {
      return { status: 0, retryAfter: 0, content: {} } // nobody answered, or nothing that can be read
    }
  }

  /** Waits; a linger ends early when the batch is full or somebody is in a hurry. */
  #pause(ms: number, linger: boolean): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(end, ms)
      // A process that has nothing else to do must not wait for company: its end flushes.
      if (linger && typeof timer === 'object') timer.unref?.()
      const wake = linger ? end : undefined
      this.#wake = wake
      const forget = () => { if (this.#wake === wake) this.#wake = undefined }
      function end() {
        clearTimeout(timer)
        forget()
        done()
      }
    })
  }

  /** The page may be gone in a moment: everything leaves at once, and what is under way as well, since its answer may never come. */
  #farewell(): void {
    const most = 48 << 10 // browsers let requests that outlive their page carry 64 KiB in all
    let bytes = 0
    const end = this.#waiting.findIndex((w, i) => (bytes += new TextEncoder().encode(w.body).length + 1) > most && i > 0)
    const batch = this.#waiting.slice(0, end < 0 ? undefined : end)
    if (batch.length > 0) void this.#post(batch, true)
  }
}

interface Answer {
  status: number // 0: none
  retryAfter: number
  content: Partial<Accepted & Problem>
}

/** Tells whether another attempt may fare better. */
function passing(status: number): boolean {
  return status === 0 || status === 408 || status === 429 || (status >= 500 && status !== 501)
}

/** Tells everybody what became of theirs. */
function settle(batch: Waiting[], { status, content }: Answer): void {
  const refused = new Map((content.rejected ?? []).map((r) => [r.index, r]))
  batch.forEach((w, i) => {
    const r = refused.get(i)
    if (r) w.failed(new RefusedError(w.id, r.field, r.reason))
    else if (status === 202) w.done(w.id)
    else w.failed(new ProblemError(status, content))
  })
}
