import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { precompress } from './scripts/precompress.ts';

/** Where the dashboard's requests go while it is developed; in production it is served by the API itself. */
const api = `http://127.0.0.1:${process.env.API_PORT ?? '8080'}`;
const proxy = { '^/forest\\.v1\\.': { target: api }, '^/auth/': { target: api } };

/**
 * The libraries of every page, and our own shared parts: not the dialogs' bodies, which are loaded when one opens, nor the
 * parts around tokens and the services that seldom seen pages need.
 */
const sharedByPages = new RegExp(
  [
    'node_modules/(react|react-dom|scheduler|react-router|lucide-react|@tanstack|@connectrpc|@bufbuild)/',
    'src/(main|app/[^/]+$|jsx/|lib/|config/)',
    'src/components/(?!.*-body|code-block|lifetime-|shown-once|token-facts)',
    'src/gen/(?!.*(organisations|destinations|identities)_pb)',
    'domain/(time/|problem)',
  ].join('|'),
);

export default defineConfig({
  plugins: [react({ jsxImportSource: '#jsx' }), tailwindcss(), precompress()],
  // Nothing is copied as it is: every file of the dashboard is built.
  publicDir: false,
  build: {
    outDir: 'dist',
    // Small enough for a browser of the last years; also what `light-dark()` in the tokens needs.
    target: 'baseline-widely-available',
    // Every browser of the target preloads modules by itself.
    modulePreload: { polyfill: false },
    manifest: true,
    // The budget is checked by scripts/bundle-size.ts, as it goes over the wire.
    chunkSizeWarningLimit: 1_000,
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // One file for what all pages share. Without this the shared parts become a dozen small files, a request each.
        codeSplitting: { groups: [{ name: 'dashboard', test: sharedByPages }] },
      },
    },
  },
  server: { host: '127.0.0.1', port: 5173, strictPort: true, proxy },
  preview: { host: '127.0.0.1', port: 5173, strictPort: true, proxy },
});
