/** How a client sends. Times are milliseconds. */
export interface Options {
  /** Of the server, such as https://throughline.example. */
  url: string
  /** Of the workspace. In a web page everybody can read it: use one with the scope `send`. */
  key: string
  /** How many touchpoints a request carries at most: 500. */
  batch?: number
  /** How long a touchpoint waits for others before it is sent: 200. */
  linger?: number
  /** How many touchpoints may wait: 10,000. */
  queue?: number
  /** The wait before the second attempt: 200. It doubles up to `longestWait`. */
  firstWait?: number
  /** The longest wait between two attempts: 10,000. */
  longestWait?: number
  /** How long one request may take: 30,000. */
  timeout?: number
  /** Instead of the global one. */
  fetch?: typeof fetch
}

export type Settings = Required<Omit<Options, 'fetch'>> & { fetch: typeof fetch }

export function settings(o: Options): Settings {
  const s = {
    url: o.url.replace(/\/$/, ''), key: o.key, batch: o.batch ?? 500, linger: o.linger ?? 200, queue: o.queue ?? 10_000,
    firstWait: o.firstWait ?? 200, longestWait: o.longestWait ?? 10_000, timeout: o.timeout ?? 30_000,
    fetch: o.fetch ?? ((...of: Parameters<typeof fetch>) => fetch(...of)),
  }
  if (!/^https?:\/\//.test(s.url)) throw new TypeError(`url: ${o.url} is not an http or https URL`)
  if (!s.key) throw new TypeError('key: an API key is needed')
  for (const name of ['batch', 'queue', 'firstWait', 'longestWait', 'timeout'] as const) {
    if (!(s[name] > 0)) throw new TypeError(`${name}: want a positive number`)
  }
  return s
}
