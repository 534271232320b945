// Prints what a browser loads before the first picture, packed, and fails above the limit.
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const limit = 400 * 1024
const html = readFileSync('dist/index.html', 'utf8')
const files = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map((m) => m[1])
const bytes = files.reduce((sum, f) => sum + gzipSync(readFileSync(`dist/${f}`), { level: 9 }).length, 0)
console.log(`script before the first picture: ${Math.round(bytes / 1024)} KiB gzip of at most ${limit / 1024}`)
if (bytes > limit) process.exit(1)
