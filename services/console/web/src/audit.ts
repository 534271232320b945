import { Problem } from './api'

/** One line of the answer to a long operation. */
interface Line {
  progress?: string
  result?: unknown
  error?: string
}

/** Reads lines of JSON as they come, whatever pieces they come in. */
export async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<Line> {
  let rest = ''
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim()) yield JSON.parse(line) as Line
  }
  if (rest.trim()) yield JSON.parse(rest) as Line
}

/** Runs an audit of the whole installation, telling what it is at, until it has a result. What it found is then GET /v1/audit. */
export async function runAudit(progress: (what: string) => void, signal: AbortSignal): Promise<void> {
  let answer: Response
  try {
    answer = await fetch('/v1/audit', { method: 'POST', signal })
  } catch {
    throw new Problem(0, '')
  }
  if (!answer.ok) {
    const document = (await answer.json().catch(() => null)) as { detail?: string } | null
    throw new Problem(answer.status, document?.detail ?? answer.statusText)
  }
  for await (const line of linesOf(textOf(answer))) {
    if (line.error) throw new Problem(-1, line.error)
    if (line.result !== undefined) return
    if (line.progress) progress(line.progress)
  }
  throw new Problem(0, '')
}

async function* textOf(answer: Response): AsyncGenerator<string> {
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value
  } finally {
    await reader.cancel()
  }
}
