import { Link } from '@tanstack/react-router'
import type { ComponentPropsWithRef } from 'react'

type Props = Omit<ComponentPropsWithRef<'a'>, 'href'> & { to: string; search?: object }

/** A link to a page, by its address. What is in search is checked where it arrives; where it led from is kept, for the way back. */
export function Go({ to, search, ...rest }: Props) {
  return <Link to={to as '/'} search={search as never} state={(was) => ({ ...was, opened: undefined, from: window.location.pathname })} {...rest} />
}
