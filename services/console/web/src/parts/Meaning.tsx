import { Text, Tooltip } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useFigures } from '../figures'

/** What a figure means, where somebody points at its name: in words, and small behind them what programs call it. */
export function Meaning({ figure, children }: { figure: string; children: ReactNode }) {
  const { t } = useTranslation()
  const figures = useFigures()
  const meaning = figures.meaning(figure)
  const said = (
    <>
      <Text size="sm">{meaning}</Text>
      <Text size="xs" mt={4} opacity={0.75}>{t('measure.definition', { name: figure, version: figures.version(figure) })}</Text>
    </>
  )
  return <Tooltip label={said} multiline w={320} disabled={!meaning} events={{ hover: true, focus: true, touch: true }}>{children}</Tooltip>
}
