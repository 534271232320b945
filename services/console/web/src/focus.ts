import { useEffect } from 'react'

/** Gives the focus back to what had it, when what uses this is gone: a dialog that is made open does not know what opened it. */
export function useFocusBack() {
  useEffect(() => {
    const before = document.activeElement
    return () => (before instanceof HTMLElement ? before.focus() : undefined)
  }, [])
}
