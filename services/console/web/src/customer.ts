import { queryOptions } from '@tanstack/react-query'
import { api, must, type Person, Problem } from './api'

/** A customer's card, as it is now or could be seen at another time. */
export const personQuery = (id: string, at?: string) =>
  queryOptions({ queryKey: ['person', id, at], queryFn: () => must(api.GET('/v1/people/{id}', { params: { path: { id }, query: { as_of: at } } })) })

/** What a customer is called and whom they write for, as their last messages say. */
export const calledQuery = (id: string) =>
  queryOptions({
    queryKey: ['person', id, 'name'],
    queryFn: async () => {
      const { touchpoints } = await must(api.GET('/v1/people/{id}/timeline', { params: { path: { id }, query: { limit: 20, direction: ['inbound'] } } }))
      return { name: touchpoints.find((p) => p.actor.type === 'customer' && p.actor.name)?.actor.name, account: touchpoints.find((p) => p.account)?.account }
    },
  })

export interface Customer {
  card: Person
  name?: string
}

/** Both; null where nobody has been seen by that id: somebody may claim to be whom nobody has ever heard of. */
export const customerQuery = (id: string) =>
  queryOptions({
    queryKey: ['person', id, 'customer'],
    queryFn: async ({ client }): Promise<Customer | null> => {
      try {
        const [card, called] = await Promise.all([client.fetchQuery(personQuery(id)), client.fetchQuery(calledQuery(id))])
        return { card, name: called.name }
      } catch (error) {
        if (error instanceof Problem && error.status === 404) return null
        throw error
      }
    },
    staleTime: 60_000,
  })
