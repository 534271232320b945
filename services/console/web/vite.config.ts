import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  // Nothing is inlined as data: what is a file stays one, and the policy of the page stays strict.
  build: {
    outDir: 'dist', manifest: true, emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 800,
    // A browser takes longer over thirty files than over five of the same length: what most pages need comes as two, beside each page's own.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'libraries', test: (id) => id.includes('/node_modules/') && !/\/(echarts|zrender|tslib)\//.test(id) },
            { name: 'console', test: (id) => /\/src\/(parts\/(?!Drawn)|[a-zA-Z0-9]+\.tsx?$|pages\/Overview|locales\/en)/.test(id) && !id.endsWith('/main.tsx') },
          ],
        },
      },
    },
  },
  server: { proxy: { '/v1': 'http://127.0.0.1:8080' } },
})
