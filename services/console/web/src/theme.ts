import { createTheme, type CSSVariablesResolver, DEFAULT_THEME } from '@mantine/core'

// Shade 9 is the one whose text is readable on white and that carries white text (WCAG AA).
export const theme = createTheme({
  primaryColor: 'cyan',
  primaryShade: { light: 9, dark: 9 },
  autoContrast: true,
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif',
  headings: { fontWeight: '650' },
})

const hues = Object.keys(DEFAULT_THEME.colors).filter((c) => c !== 'dark')

/** Text on tinted grounds and dimmed text, dark or light enough to be read. */
export const variables: CSSVariablesResolver = (t) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': t.colors.gray[7],
    '--mantine-color-anchor': t.colors.cyan[9],
    '--mantine-color-placeholder': t.colors.gray[7],
    '--mantine-color-error': t.colors.red[9],
    ...Object.fromEntries(hues.map((c) => [`--mantine-color-${c}-light-color`, c === 'yellow' || c === 'orange' || c === 'lime' || c === 'green' || c === 'teal' ? '#5c3b00' : t.colors[c][9]])),
    '--mantine-color-green-light-color': '#1e5e2b',
    '--mantine-color-teal-light-color': '#05573f',
    '--mantine-color-lime-light-color': '#3f5c0c',
  },
  dark: {
    '--mantine-color-dimmed': t.colors.dark[1],
    '--mantine-color-anchor': t.colors.cyan[3],
    '--mantine-color-placeholder': t.colors.dark[1],
    '--mantine-color-error': t.colors.red[4],
    ...Object.fromEntries(hues.map((c) => [`--mantine-color-${c}-light-color`, t.colors[c][2]])),
  },
})
