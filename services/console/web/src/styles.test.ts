import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const read = (file: string) => readFileSync(join(__dirname, file), 'utf8')

test('every component that a page uses brings its styles', () => {
  const library = dirname(createRequire(import.meta.url).resolve('@mantine/core/styles.css'))
  const given = [...read('styles.ts').matchAll(/@mantine\/core\/styles\/(\w+)\.css/g)].map((m) => m[1])
  const used = readdirSync(__dirname, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.tsx'))
    .flatMap((f) => [...read(f).matchAll(/import \{([^}]*)\} from '@mantine\/core'/g)].flatMap((m) => m[1].split(',').map((name) => name.trim())))
  const missing = [...new Set(used)].filter((name) => existsSync(join(library, 'styles', `${name}.css`)) && !given.includes(name))
  expect(used.length).toBeGreaterThan(50)
  expect(missing).toEqual([])
})
