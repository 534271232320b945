import { Button, Popover, TextInput } from '@mantine/core'
import { Link2 } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { zone } from '../periods'

/** The address of this page, which says whose days it is about: whoever opens it elsewhere sees the same. */
function linkOf(): string {
  const link = new URL(window.location.href)
  if (!link.searchParams.has('tz')) link.searchParams.set('tz', zone())
  return link.href
}

/** Copies the page's address. Over plain HTTP a browser lets no page copy: there the address is shown, selected. */
export function CopyLink() {
  const { t } = useTranslation()
  const [copied, setCopied] = useState(false)
  const [shown, setShown] = useState<string | null>(null)
  useEffect(() => {
    const done = copied ? setTimeout(() => setCopied(false), 1500) : undefined
    return () => clearTimeout(done)
  }, [copied])
  const copy = async () => {
    const link = linkOf()
    try {
      await navigator.clipboard.writeText(link)
      setCopied(true)
    } catch {
      setShown(link)
    }
  }
  return (
    <Popover opened={shown !== null} onChange={(opened) => !opened && setShown(null)} position="bottom-end" width={340} shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <Button size="xs" variant="default" leftSection={<Link2 size={14} aria-hidden />} onClick={() => void copy()}>{t(copied ? 'report.copied' : 'report.copy')}</Button>
      </Popover.Target>
      <Popover.Dropdown>
        <TextInput label={t('report.link')} description={t('report.linkHint')} readOnly value={shown ?? ''} onFocus={(e) => e.currentTarget.select()} data-autofocus />
      </Popover.Dropdown>
    </Popover>
  )
}
