import { createRootRoute, createRoute, createRouter } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { page } from './lazy'
import { cracksCount, knownDays, overviewQuery } from './overview'
import { Page, Shell } from './parts/Shell'
import { Empty, Failed, Loading } from './parts/States'
import { queries } from './queries'
import { cracksSearch, inboxSearch, overviewSearch, personSearch, reportSearch, tabSearch } from './searches'
import { measuresQuery, registryQuery } from './use'

function Missing() {
  const { t } = useTranslation()
  return (
    <Page title={t('missing.title')}>
      <Empty title={t('missing.title')} hint={t('missing.hint')} />
    </Page>
  )
}

/** What every page is drawn with. */
function askNames() {
  void queries.prefetchQuery(registryQuery)
  void queries.prefetchQuery(measuresQuery)
}

function askOverview(days: number) {
  void queries.prefetchQuery(overviewQuery(days))
  void queries.prefetchQuery(cracksCount({ days: knownDays }))
}

const root = createRootRoute({ loader: askNames, component: Shell, notFoundComponent: Missing })
const at = <P extends string>(path: P) => ({ getParentRoute: () => root, path })

const tree = root.addChildren([
  createRoute({
    ...at('/'), validateSearch: overviewSearch, loaderDeps: ({ search }) => search, loader: ({ deps }) => askOverview(deps.days ?? 1),
    component: page('Overview', async () => (await import('./pages/Overview')).OverviewPage),
  }),
  createRoute({ ...at('/inbox'), component: page('Inbox', async () => (await import('./pages/Inbox')).InboxPage), validateSearch: inboxSearch }),
  createRoute({ ...at('/conversations/$id'), component: page('Conversation', async () => (await import('./pages/Conversation')).ConversationPage) }),
  createRoute({ ...at('/customers'), component: page('Customers', async () => (await import('./pages/Customers')).CustomersPage) }),
  createRoute({ ...at('/people/$id'), component: page('Person', async () => (await import('./pages/Person')).PersonPage), validateSearch: personSearch }),
  createRoute({ ...at('/reports'), component: page('Reports', async () => (await import('./pages/Reports')).ReportsPage), validateSearch: reportSearch }),
  createRoute({ ...at('/cracks'), component: page('Cracks', async () => (await import('./pages/Cracks')).CracksPage), validateSearch: cracksSearch }),
  createRoute({ ...at('/identity'), component: page('Identity', async () => (await import('./pages/Identity')).IdentityPage), validateSearch: tabSearch }),
  createRoute({ ...at('/quality'), component: page('Quality', async () => (await import('./pages/Quality')).QualityPage) }),
  createRoute({ ...at('/channels'), component: page('Channels', async () => (await import('./pages/Channels')).ChannelsPage) }),
])

export const router = createRouter({
  routeTree: tree, defaultPreload: 'intent', defaultPendingComponent: () => <Loading />, scrollRestoration: false,
  defaultErrorComponent: ({ error, reset }) => <Failed error={error} retry={reset} />,
})
