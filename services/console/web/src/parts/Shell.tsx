import { ActionIcon, AppShell, Box, Burger, Group, Menu, NavLink, Text, Title, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { useDisclosure, useHotkeys } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { Outlet, useLocation, useNavigate } from '@tanstack/react-router'
import { Activity, ChartColumn, Fingerprint, Inbox, Languages, LayoutDashboard, LogOut, Moon, Radio, Sun, TriangleAlert, UserRound } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '../api'
import { choose } from '../i18n'
import { preloadPages } from '../lazy'
import { useLive } from '../live'
import { useLanguage, useSession } from '../use'
import { SearchBox } from './SearchBox'
import { Go } from './Go'

const menu = [
  { to: '/', word: 'overview', Icon: LayoutDashboard },
  { to: '/inbox', word: 'inbox', Icon: Inbox },
  { to: '/customers', word: 'customers', Icon: UserRound },
  { to: '/reports', word: 'reports', Icon: ChartColumn },
  { to: '/cracks', word: 'cracks', Icon: TriangleAlert },
  { to: '/identity', word: 'identity', Icon: Fingerprint },
  { to: '/quality', word: 'quality', Icon: Activity },
  { to: '/channels', word: 'channels', Icon: Radio },
] as const

export function Shell() {
  const { t } = useTranslation()
  const [opened, { toggle, close }] = useDisclosure(false)
  const navigate = useNavigate()
  const path = useLocation({ select: (l) => l.pathname })
  const live = useLive()
  const search = useRef<HTMLInputElement>(null)
  const main = useRef<HTMLElement>(null)
  useHotkeys([['/', () => search.current?.focus()]])
  useEffect(() => {
    close()
  }, [path, close])
  useEffect(() => {
    let idle = 0
    const later = setTimeout(() => (idle = requestIdleCallback(preloadPages)), 3000) // first what is looked at now
    return () => {
      clearTimeout(later)
      cancelIdleCallback(idle)
    }
  }, [])
  return (
    <AppShell header={{ height: 56 }} navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !opened } }} padding="md">
      <a className="skip" href="#main" onClick={(e) => (e.preventDefault(), main.current?.focus())}>
        {t('shell.skip')}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" wrap="nowrap" gap="sm">
          <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t('shell.menu')} aria-expanded={opened} />
          <Group gap="xs" wrap="nowrap" visibleFrom="sm" w={190}>
            <img src="/icon.svg" width={26} height={26} alt="" />
            <Text fw={700}>Throughline</Text>
          </Group>
          <Box flex={1} maw={560}>
            <SearchBox label={t('search.label')} inputRef={search} onFind={(id) => void navigate({ to: `/people/${id}` })} />
          </Box>
          <Group ml="auto" gap="xs" wrap="nowrap">
            <Tooltip label={t(live ? 'shell.live' : 'shell.notLive')}>
              <Box className="live" data-on={live || undefined} role="status" aria-label={t(live ? 'shell.live' : 'shell.notLive')} />
            </Tooltip>
            <Preferences />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label={t('shell.menu')}>
        {menu.map(({ to, word, Icon }) => (
          <NavLink
            key={to}
            component={Go}
            to={to}
            label={t(`menu.${word}`)}
            leftSection={<Icon size={18} aria-hidden />}
            active={to === '/' ? path === '/' : path.startsWith(to)}
            aria-current={(to === '/' ? path === '/' : path.startsWith(to)) ? 'page' : undefined}
            mb={2}
          />
        ))}
      </AppShell.Navbar>
      <AppShell.Main ref={main} id="main" tabIndex={-1}>
        <Outlet />
      </AppShell.Main>
    </AppShell>
  )
}

function Preferences() {
  const { t } = useTranslation()
  const language = useLanguage()
  const queries = useQueryClient()
  const session = useSession().data
  const { setColorScheme } = useMantineColorScheme()
  const dark = useComputedColorScheme('light') === 'dark'
  const signOut = async () => {
    await api.DELETE('/v1/session')
    queries.setQueryData(['session'], null)
    queries.removeQueries({ predicate: (q) => q.queryKey[0] !== 'session' }) // the next who signs in sees nothing of it
  }
  return (
    <Menu position="bottom-end" shadow="md" width={220}>
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label={t('shell.preferences')}>
          <UserRound size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t('shell.signedIn', { name: session?.name || t('shell.unnamed'), workspace: session?.workspace })}</Menu.Label>
        <Menu.Item leftSection={<Languages size={16} aria-hidden />} onClick={() => void choose(language === 'de' ? 'en' : 'de')} lang={language === 'de' ? 'en' : 'de'}>
          {language === 'de' ? 'English' : 'Deutsch'}
        </Menu.Item>
        <Menu.Item leftSection={dark ? <Sun size={16} aria-hidden /> : <Moon size={16} aria-hidden />} onClick={() => setColorScheme(dark ? 'light' : 'dark')}>
          {t(dark ? 'shell.light' : 'shell.dark')}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<LogOut size={16} aria-hidden />} onClick={() => void signOut()}>
          {t('shell.signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

/** The path whose page has its head shown; empty between two, and undefined before the first. */
let shown: string | undefined

/** The head of a page; the title of the browser's tab follows it. Whoever comes from another page by keyboard begins at it. */
export function Page({ title, children, aside, back }: { title: string; children: React.ReactNode; aside?: React.ReactNode; back?: React.ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Throughline`
  }, [title])
  const path = useLocation({ select: (l) => l.pathname })
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    const chosen = document.activeElement // a box that the page itself begins in
    const typing = chosen instanceof HTMLInputElement && chosen.closest('main') !== null
    if (shown !== undefined && shown !== path && !typing) heading.current?.focus({ preventScroll: true })
    shown = path
    return () => void (shown = '')
  }, [path])
  return (
    <>
      {back}
      <Group justify="space-between" align="center" mb="md" gap="sm">
        <Title order={1} size="h2" className="breaks" ref={heading} tabIndex={-1}>
          {title}
        </Title>
        {aside}
      </Group>
      {children}
    </>
  )
}
