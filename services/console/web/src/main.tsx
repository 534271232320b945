import './nonce'
import './styles'
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode, useEffect } from 'react'
import { createRoot } from 'react-dom/client'
import { signedOut } from './api'
import { startSpeaking } from './i18n'
import { nonce } from './nonce'
import { SignIn } from './pages/SignIn'
import { Failed, Loading } from './parts/States'
import { queries } from './queries'
import { router } from './router'
import { sessionOf } from './session'
import { theme, variables } from './theme'
import { useSession } from './use'

/** The pages, for those who are signed in. */
function Console() {
  const session = useSession()
  useEffect(() => {
    const out = () => queries.setQueryData(['session'], null)
    signedOut.addEventListener('signedout', out)
    return () => signedOut.removeEventListener('signedout', out)
  }, [])
  if (session.isPending) return <Loading />
  if (session.isError) return <Failed error={session.error} retry={() => void session.refetch()} />
  return session.data ? <RouterProvider router={router} /> : <SignIn />
}

const session = sessionOf(document.querySelector<HTMLMetaElement>('meta[name=session]')?.content)
if (session !== undefined) queries.setQueryData(['session'], session)
if (session) void router.load() // the page's questions are on their way before anything is drawn
await startSpeaking()
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={queries}>
        <Console />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
