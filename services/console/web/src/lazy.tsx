import { queryOptions, useQuery } from '@tanstack/react-query'
import type { ComponentType } from 'react'
import { Problem } from './api'
import { Failed, Loading } from './parts/States'
import { queries } from './queries'

const all: (() => Promise<void>)[] = []

/** A component's module, as a question like any other: it is asked again for as long as the server is away. */
export const moduleQuery = <Props,>(name: string, load: () => Promise<ComponentType<Props>>) =>
  queryOptions({
    queryKey: ['module', name], staleTime: Infinity, gcTime: Infinity, retry: false, // who waits for it is told at once
    queryFn: async () => ({
      Component: await load().catch(() => {
        throw new Problem(0, '')
      }),
    }),
  })

/**
 * A page whose module comes when it is wanted. Where the server cannot be reached, the page says so and tries again, as with all else that is asked
 * of it: what the router has for this reloads the window, which is then empty.
 */
export function page(name: string, load: () => Promise<ComponentType>) {
  const module = moduleQuery(name, load)
  const preload = () => queries.prefetchQuery(module)
  all.push(preload)
  function Lazy() {
    const { data, error, refetch } = useQuery(module)
    if (data) return <data.Component />
    return error ? <Failed error={error} retry={() => void refetch()} /> : <Loading />
  }
  return Object.assign(Lazy, { preload })
}

/** Fetches the modules of all pages, so that those that were not looked at yet are there when the server is not. */
export function preloadPages() {
  for (const preload of all) void preload()
}
