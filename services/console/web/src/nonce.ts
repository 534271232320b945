import { setNonce } from 'get-nonce'

// The page's policy lets only styles with this nonce in. A browser hides the attribute nonce from scripts, so it comes in a meta element.
export const nonce = document.querySelector<HTMLMetaElement>('meta[name=nonce]')?.content ?? ''
setNonce(nonce)
