import { QueryClient } from '@tanstack/react-query'
import { Problem } from './api'

/** What was asked of the server, and what it said. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the server says is wrong stays wrong; what is busy or away may be there in a moment.
      retry: (times, error) => times < 2 && error instanceof Problem && (error.status === 0 || error.status === 503),
      refetchOnWindowFocus: true,
    },
  },
})
