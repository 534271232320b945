import { Anchor, Group } from '@mantine/core'
import { useCanGoBack, useLocation, useRouter } from '@tanstack/react-router'
import { ArrowLeft } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import '../back'
import { Go } from './Go'

const words: Record<string, string> = {
  '': 'menu.overview', inbox: 'menu.inbox', customers: 'menu.customers', reports: 'menu.reports', cracks: 'menu.cracks', identity: 'menu.identity', quality: 'menu.quality', channels: 'menu.channels',
  people: 'person.title', conversations: 'conversation.title',
}

/** The way back to where somebody came from, as they left it; who came from nowhere is led to a page. */
export function Back({ otherwise }: { otherwise: string }) {
  const { t } = useTranslation()
  const router = useRouter()
  const can = useCanGoBack()
  const from = useLocation({ select: (l) => l.state.from })
  const word = (path: string) => t(words[path.split('/')[1]] ?? 'state.back')
  const inside = (name: string) => (
    <Group gap={4} component="span" display="inline-flex">
      <ArrowLeft size={14} aria-hidden />
      {name}
    </Group>
  )
  if (!can) return <Anchor component={Go} to={otherwise} size="sm">{inside(word(otherwise))}</Anchor>
  return <Anchor component="button" type="button" size="sm" onClick={() => router.history.back()}>{inside(from === undefined ? t('state.back') : word(from))}</Anchor>
}
