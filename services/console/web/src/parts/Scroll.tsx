import { Box, Paper } from '@mantine/core'
import { type ReactNode, useEffect, useRef, useState } from 'react'

interface Props {
  label: string
  tall?: boolean // longer than a window: its first and last line stay in sight
  children: ReactNode
}

/** A table that may be wider than the page: its first column stays, and a shadow says that it goes on. */
export function Scroll({ label, tall, children }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const [more, setMore] = useState({ left: false, right: false })
  useEffect(() => {
    const e = box.current!
    const look = () => {
      const [left, right] = [e.scrollLeft > 1, e.scrollLeft + e.clientWidth < e.scrollWidth - 1]
      setMore((was) => (was.left === left && was.right === right ? was : { left, right }))
    }
    const resized = new ResizeObserver(look)
    resized.observe(e)
    if (e.firstElementChild) resized.observe(e.firstElementChild)
    e.addEventListener('scroll', look, { passive: true })
    return () => {
      resized.disconnect()
      e.removeEventListener('scroll', look)
    }
  }, [])
  return (
    <Paper withBorder className="goes-on" data-left={more.left || undefined} data-right={more.right || undefined}>
      <Box ref={box} className="scroll keeps-first" mah={tall ? 'max(320px, 80vh)' : undefined} tabIndex={0} role="region" aria-label={label}>
        {children}
      </Box>
    </Paper>
  )
}
