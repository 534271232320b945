import { useComputedColorScheme } from '@mantine/core'
import { lazy, Suspense } from 'react'
import type { Series } from '../series'
import { Loading } from './States'

const Drawn = lazy(() => import('./Drawn'))

export interface ChartProps {
  series: Series
  label: string // says what the picture shows to those who do not see it; the table beside it has the figures
  format: (value: number) => string
  small?: boolean
  onPick?: (category: number) => void
}

/** A chart whose library comes when the first chart does. */
export function Chart(props: ChartProps) {
  const scheme = useComputedColorScheme('light')
  return (
    <Suspense fallback={<Loading lines={4} />}>
      <Drawn key={scheme} {...props} dark={scheme === 'dark'} />
    </Suspense>
  )
}
