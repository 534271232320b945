import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import de from './locales/de.json'
import en from './locales/en.json'

const words = (of: object, prefix = ''): Map<string, string> =>
  new Map(Object.entries(of).flatMap(([k, v]) => (typeof v === 'string' ? [[prefix + k, v] as const] : [...words(v, `${prefix}${k}.`)])))

const holes = (text: string) => [...text.matchAll(/{{(\w+)}}/g)].map((m) => m[1]).sort()

test('both languages say the same things', () => {
  const [e, d] = [words(en), words(de)]
  expect([...d.keys()].sort()).toEqual([...e.keys()].sort())
  for (const [key, text] of e) expect(holes(d.get(key)!), key).toEqual(holes(text))
})

test('every word that a page asks for is there', () => {
  const known = words(en)
  const files = readdirSync(__dirname, { recursive: true, encoding: 'utf8' }).filter((f) => /\.tsx?$/.test(f) && !f.includes('.test.'))
  const missing: string[] = []
  for (const file of files) {
    for (const [, key] of readFileSync(join(__dirname, file), 'utf8').matchAll(/\bt\('([\w.]+)'/g)) {
      if (!known.has(key) && !known.has(`${key}_other`)) missing.push(`${file}: ${key}`)
    }
  }
  expect(missing).toEqual([])
})
