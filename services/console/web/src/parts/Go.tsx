import { Link } from '@tanstack/react-router'
import type { ComponentPropsWithRef } from 'react'

type Props = Omit<ComponentPropsWithRef<'a'>, 'href'> & { to: string; search?: object }

/** A link to a page, by its address. What is in search is checked where it arrives. */
export function Go({ to, search, ...rest }: Props) {
  return <Link to={to as '/'} search={search as never} {...rest} />
}
