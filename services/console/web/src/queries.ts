import { QueryClient } from '@tanstack/react-query'
import { Problem } from './api'

/** What is busy or away may be there in a moment; what the server says is wrong stays wrong. */
const passing = (error: unknown) => error instanceof Problem && (error.status === 0 || error.status === 503)

/** How often to ask: as often as the page wants, and every ten seconds for as long as the answer does not come. */
export const asking = (every?: number) => (query: { state: { error: unknown } }) => (passing(query.state.error) ? Math.min(every ?? Infinity, 10_000) : (every ?? false))

/** What was asked of the server, and what it said. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (times, error) => times < 2 && passing(error),
      refetchInterval: asking(),
      refetchOnWindowFocus: true,
      // Without a network the question fails and the page says so; to wait for the network would look like an answer that takes for ever.
      networkMode: 'always',
      refetchOnReconnect: true,
    },
    mutations: { networkMode: 'always' },
  },
})
