import { useEffect, useRef, useState } from 'react'

/** Whether something has come near enough to be seen. */
export function useSeen() {
  const ref = useRef<HTMLDivElement>(null)
  const [seen, setSeen] = useState(false)
  useEffect(() => {
    const watch = new IntersectionObserver(([entry]) => entry.isIntersecting && (watch.disconnect(), setSeen(true)), { rootMargin: '100px' })
    watch.observe(ref.current!)
    return () => watch.disconnect()
  }, [])
  return { ref, seen }
}
