import { useTranslation } from 'react-i18next'
import { Problem } from '../api'
import { Page } from './Shell'
import { Empty } from './States'

/** An id of an address that is none, such as one that was cut off when it was copied. */
export const isBadId = (error: unknown) => error instanceof Problem && error.status === 400 && error.field === 'id'

/** A page about what is not there. */
export function NotHere({ title }: { title: string }) {
  const { t } = useTranslation()
  return (
    <Page title={title}>
      <Empty title={t('failed.missing.title')} hint={t('failed.missing.hint')} />
    </Page>
  )
}
