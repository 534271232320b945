import { useComputedColorScheme } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { moduleQuery } from '../lazy'
import type { Series } from '../series'

const drawnQuery = moduleQuery('Drawn', async () => (await import('./Drawn')).default)

export interface ChartProps {
  series: Series
  label: string // says what the picture shows to those who do not see it; the table beside it has the figures
  figure?: string // what is counted: names the axis, and what has no name of its own
  format: (value: number) => string
  small?: boolean
  onPick?: (category: number) => void
}

/** A chart whose library, which is as big as all of the rest, comes when a chart is about to be seen and nothing else is to be done. */
export function Chart(props: ChartProps) {
  const scheme = useComputedColorScheme('light')
  const box = useRef<HTMLDivElement>(null)
  const [wanted, setWanted] = useState(false)
  const Drawn = useQuery({ ...drawnQuery, enabled: wanted }).data?.Component
  useEffect(() => {
    let idle = 0
    const seen = new IntersectionObserver(
      ([entry]) => {
        if (!entry.isIntersecting) return
        seen.disconnect()
        idle = requestIdleCallback(() => setWanted(true), { timeout: 2000 })
      },
      { rootMargin: '300px' },
    )
    seen.observe(box.current!)
    return () => {
      seen.disconnect()
      cancelIdleCallback(idle)
    }
  }, [])
  const place = <div className={props.small ? 'small-chart' : 'chart'} />
  return (
    <div ref={box}>
      {Drawn ? <Drawn key={scheme} {...props} dark={scheme === 'dark'} /> : place}
    </div>
  )
}
