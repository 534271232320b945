interface End {
  /** The page is hidden, and may never be seen again. */
  hidden: () => void
  /** The process has nothing else to do. */
  exit: () => void
}

/** Calls back when the end may be near, in a browser or in Node.js, until the result is called. */
export function atTheEnd({ hidden, exit }: End): () => void {
  if (typeof document !== 'undefined' && typeof addEventListener === 'function') {
    // pagehide alone is not enough: phones put an app away, and end it later without another word.
    const changed = () => { if (document.visibilityState === 'hidden') hidden() }
    addEventListener('pagehide', hidden)
    document.addEventListener('visibilitychange', changed)
    return () => {
      removeEventListener('pagehide', hidden)
      document.removeEventListener('visibilitychange', changed)
    }
  }
  if (typeof process !== 'undefined' && typeof process.on === 'function') {
    process.on('beforeExit', exit)
    return () => void process.off('beforeExit', exit)
  }
  return () => {}
}
