// A real Chromium at a real server: THROUGHLINE_URL and THROUGHLINE_KEY say where and as whom.
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

export const url = process.env.THROUGHLINE_URL ?? 'http://127.0.0.1:8080'
export const key = process.env.THROUGHLINE_KEY ?? 'demo-key'

export function launch() {
  const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => p && existsSync(p))
  if (!executablePath) throw new Error('no Chromium; name one in CHROMIUM')
  // Root has no sandbox to give; what is shown comes from the server under test alone.
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
}

/** The API, as the analyst beside the manager uses it. */
export async function api(path, body) {
  const answer = await fetch(url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

export async function signIn(page) {
  await page.goto(url)
  await page.getByLabel('API key').or(page.getByLabel('API-Schlüssel')).first().fill(key)
  await page.getByRole('button', { name: /^(Sign in|Anmelden)$/ }).click()
  await page.getByRole('heading', { level: 1 }).waitFor()
}
