import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import type { Language } from './format'
import en from './locales/en.json'

const kept = 'throughline.language'

const wanted = (): Language => {
  const chosen = localStorage.getItem(kept) ?? navigator.language
  return chosen.startsWith('de') ? 'de' : 'en'
}

/** English is at hand, as the last resort of a missing word; German comes when somebody wants it. */
export async function speak(language: Language): Promise<void> {
  if (language === 'de' && !i18next.hasResourceBundle('de', 'translation')) {
    i18next.addResourceBundle('de', 'translation', (await import('./locales/de.json')).default)
  }
  await i18next.changeLanguage(language)
  document.documentElement.lang = language
}

export async function startSpeaking(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    resources: { en: { translation: en } },
    interpolation: { escapeValue: false }, // React escapes
  })
  await speak(wanted())
}

export async function choose(language: Language): Promise<void> {
  localStorage.setItem(kept, language)
  await speak(language)
}
