import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { Schemas } from './api'

export type Change = Schemas['ConversationEvent']

/**
 * When to read again after a change, in ms: the store is some hundred milliseconds behind the stream, and a second for one that is busy.
 * Changes that come meanwhile wait for the next round, so that a busy day does not become a flood of questions.
 */
const rounds = [200, 600, 1500]

/** Follows the server's stream for as long as somebody is signed in; true while it is connected. */
export function useLive(): boolean {
  const queries = useQueryClient()
  const [connected, setConnected] = useState(false)
  useEffect(() => {
    const source = new EventSource('/v1/stream')
    let touched = new Set<string>()
    let next = new Set<string>()
    let timers: ReturnType<typeof setTimeout>[] = []
    let more = false
    const read = () => {
      void queries.invalidateQueries({ queryKey: ['conversations'] })
      for (const id of touched) void queries.invalidateQueries({ queryKey: ['conversation', id] })
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
      next.add((JSON.parse((event as MessageEvent<string>).data) as Change).id)
      begin()
    })
    source.addEventListener('resync', begin)
    return () => {
      timers.forEach(clearTimeout)
      source.close()
    }
  }, [queries])
  return connected
}
