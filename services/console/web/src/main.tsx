import './nonce'
import '@mantine/core/styles.css'
import './app.css'
import { MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode, useEffect } from 'react'
import { createRoot } from 'react-dom/client'
import { Problem, signedOut } from './api'
import { startSpeaking } from './i18n'
import { nonce } from './nonce'
import { SignIn } from './pages/SignIn'
import { Failed, Loading } from './parts/States'
import { router } from './router'
import { theme, variables } from './theme'
import { useSession } from './use'

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the server says is wrong stays wrong; what is busy or away may be there in a moment.
      retry: (times, error) => times < 2 && error instanceof Problem && (error.status === 0 || error.status === 503),
      refetchOnWindowFocus: true,
    },
  },
})

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
