// Prints what a browser loads before the first picture of the overview, packed, and fails above the limit.
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const limit = 400 * 1024
const manifest = JSON.parse(readFileSync('dist/.vite/manifest.json', 'utf8'))
const files = new Set()
const need = (name) => {
  if (files.has(manifest[name].file)) return
  files.add(manifest[name].file)
  manifest[name].imports?.forEach(need)
}
need('index.html')
need('src/pages/Overview.tsx')
const bytes = [...files].reduce((sum, f) => sum + gzipSync(readFileSync(`dist/${f}`), { level: 9 }).length, 0)
console.log(`script before the first picture: ${Math.round(bytes / 1024)} KiB gzip of at most ${limit / 1024}`)
if (bytes > limit) process.exit(1)
