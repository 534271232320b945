import { Badge } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { State } from '../api'

const colors: Record<State, string> = { open: 'blue', waiting_for_us: 'orange', waiting_for_customer: 'grape', resolved: 'green', closed: 'gray' }

export function StateBadge({ state }: { state: State }) {
  const { t } = useTranslation()
  return (
    <Badge color={colors[state]} variant="light" tt="none" fw={600}>
      {t(`conversation.state.${state}`)}
    </Badge>
  )
}
