import createClient from 'openapi-fetch'
import type { components, paths } from './schema'

export type Schemas = components['schemas']
export type Conversation = Schemas['Conversation']
export type Touchpoint = Schemas['Touchpoint']
export type Person = Schemas['Person']
export type Evidence = Schemas['Evidence']
export type State = Schemas['State']

export const api = createClient<paths>({ baseUrl: '', querySerializer: { array: { style: 'form', explode: true } } })

/** A problem document of the server, or what stood between it and us. */
export class Problem extends Error {
  constructor(readonly status: number, readonly detail: string, readonly field = '') {
    super(detail)
  }
}

/** A session that ended is one event for the whole console: the sign-in page comes up. */
export const signedOut = new EventTarget()

type Answer<T> = { data?: T; error?: unknown; response: Response }

/** The data of an answer, or the Problem that it is. */
export async function must<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>
  try {
    answer = await asked
  } catch {
    throw new Problem(0, '')
  }
  if (answer.response.ok) return answer.data as T
  const document = answer.error as Partial<Schemas['Problem']> | undefined
  if (answer.response.status === 401) signedOut.dispatchEvent(new Event('signedout'))
  throw new Problem(answer.response.status, document?.detail ?? answer.response.statusText, document?.field)
}
