import { useTranslation } from 'react-i18next'
import { ruleOf } from '../evidence'
import { useTypeName } from './Identifier'

/** What decided, in words. What we have no words for is told as the server tells it, with what it says of it. */
export function useRule() {
  const { t } = useTranslation()
  const typeName = useTypeName()
  return (rule: string, detail = '') => {
    const known = ruleOf(rule)
    if (!known || known.key === 'malformed') return rule + (detail && ` (${detail})`)
    return t(`rule.${known.key}`, { type: known.type && typeName(known.type), count: known.n, pattern: known.pattern })
  }
}
