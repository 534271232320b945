import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { Schemas } from './api'

export type Change = Schemas['ConversationEvent']

/** What is read again when conversations change. */
const lists = ['conversations', 'overview']

/**
 * Follows the server's stream for as long as somebody is signed in. The store is some hundred milliseconds behind the stream, so
 * what is shown is read again a moment later, and once more for a store that was slow.
 */
export function useLive(): boolean {
  const queries = useQueryClient()
  const [connected, setConnected] = useState(false)
  useEffect(() => {
    const source = new EventSource('/v1/stream')
    const touched = new Set<string>()
    let soon: ReturnType<typeof setTimeout> | undefined
    let late: ReturnType<typeof setTimeout> | undefined
    const read = () => {
      for (const key of lists) void queries.invalidateQueries({ queryKey: [key] })
      for (const id of touched) void queries.invalidateQueries({ queryKey: ['conversation', id] })
    }
    const plan = () => {
      soon ??= setTimeout(() => {
        soon = undefined
        read()
      }, 350)
      clearTimeout(late)
      late = setTimeout(() => {
        read()
        touched.clear()
      }, 1500)
    }
    source.addEventListener('open', () => setConnected(true))
    source.addEventListener('error', () => setConnected(false))
    source.addEventListener('conversation', (event) => {
      touched.add((JSON.parse((event as MessageEvent<string>).data) as Change).id)
      plan()
    })
    source.addEventListener('resync', plan)
    return () => {
      clearTimeout(soon)
      clearTimeout(late)
      source.close()
    }
  }, [queries])
  return connected
}
