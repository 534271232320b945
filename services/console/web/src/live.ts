import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { Schemas } from './api'

export type Change = Schemas['ConversationEvent']

/**
 * When to read again after a change, in ms: the store is some hundred milliseconds behind the stream, and a second for one that is busy.
 * Changes that come meanwhile wait for the next round, so that a busy day does not become a flood of questions.
 */
const rounds = [200, 600, 1500]

/** What a question is about. */
const nameOf = (key: readonly unknown[]) => `${String(key[0])} ${String(key[1])}`

/** The questions whose answers a change makes old, and what stands for all of them when changes may have been missed. */
const followed = ['conversation', 'person', 'timeline', 'why']
const unseen = 'unseen'

/** What a change of a conversation makes old: itself, and what is shown of its customer. */
export const changedBy = (change: Pick<Change, 'id' | 'person'>) => followed.map((of) => `${of} ${of === 'conversation' ? change.id : change.person}`)

/** Follows the server's stream for as long as somebody is signed in; true while it is connected. */
export function useLive(): boolean {
  const queries = useQueryClient()
  const [connected, setConnected] = useState(false)
  useEffect(() => {
    const source = new EventSource('/v1/stream')
    let touched = new Set<string>() // names of questions whose answers changed
    let next = new Set<string>()
    let timers: ReturnType<typeof setTimeout>[] = []
    let more = false
    let before = false
    const read = () => {
      void queries.invalidateQueries({ queryKey: ['conversations'] })
      void queries.invalidateQueries({ predicate: (q) => touched.has(nameOf(q.queryKey)) || (touched.has(unseen) && followed.includes(String(q.queryKey[0]))) })
    }
    const begin = () => {
      if (timers.length > 0) {
        more = true
        return
      }
      more = false
      touched = next
      next = new Set()
      timers = rounds.map((ms) => setTimeout(read, ms))
      timers.push(
        setTimeout(() => {
          timers = []
          if (more) begin()
        }, rounds[1]),
      )
    }
    source.addEventListener('open', () => setConnected(true))
    source.addEventListener('error', () => setConnected(false))
    source.addEventListener('conversation', (event) => {
      for (const name of changedBy(JSON.parse((event as MessageEvent<string>).data) as Change)) next.add(name)
      begin()
    })
    source.addEventListener('resync', () => {
      if (before) next.add(unseen)
      before = true // the first says that the stream begins: what is shown was asked for a moment ago
      begin()
    })
    return () => {
      timers.forEach(clearTimeout)
      source.close()
    }
  }, [queries])
  return connected
}
