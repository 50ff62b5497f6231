import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { plainDescriptors } from './scripts/plain-descriptors.ts';
import { precompress } from './scripts/precompress.ts';

/** The API during development; in production the API serves the dashboard itself. */
const api = `http://127.0.0.1:${process.env.API_PORT ?? '8080'}`;
const proxy = { '^/forest\\.v1\\.': { target: api }, '^/auth/': { target: api } };

/**
 * The chunk of every page: libraries and shared parts, without dialogs, forms, editors, tokens and services that few pages
 * need.
 */
const sharedByPages = new RegExp(
  [
    'node_modules/(react|react-dom|scheduler|react-router|lucide-react)/(?!.*/icons/(chevron-right|chevron-up|circle-check|ellipsis-|grip-|triangle-|undo-|user-check|wifi-))',
    'node_modules/@connectrpc/connect-query/.*/use-(query|mutation)\\.',
    'src/(main|app/(?!narrow-page|page-name|release-(?!panel)|use-start-session|waiting-link)[^/]+$|config/)',
    'src/lib/(?!annotate-|duration-|expiry-|form-problems|intent-status|next-path|paged|policy-warning-|save-file|session-facts|single-keys|token-life|uncertain-|use-editor|use-is-wide|use-portions|waiting-count)',
    'src/components/(?!.*-body|alert-|checkbox|code-block|confirm-|count-announcer|delete-|description-|duration-|editor-|environment-|expiry-|first-|form|new-|paged-|plain-|reason-|row-|rows|setting-|shown-once|skeleton-|stale-|token-|warning-)',
    'src/features/(approvals/(vote-form|ballot-labels|use-vote|use-ballot|queries|requirements-view|pending-facts)|comparison/(?!comparison-lists)|releases/deploy-button)',
    'src/gen/(?!.*(artifacts|organisations|destinations|identities|service_accounts)_pb)',
    'domain/(time/|problem)',
  ].join('|'),
);

export default defineConfig({
  plugins: [react(), tailwindcss(), plainDescriptors(), precompress()],
  // There are no files to copy unchanged.
  publicDir: false,
  build: {
    outDir: 'dist',
    // Includes `light-dark()`, which the colours need.
    target: 'baseline-widely-available',
    // All target browsers preload modules natively.
    modulePreload: { polyfill: false },
    manifest: true,
    // scripts/bundle-size.ts checks the compressed size.
    chunkSizeWarningLimit: 1_000,
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // The first load lists the other chunks: without their names it is smaller.
        chunkFileNames: 'assets/[hash].js',
        // One file instead of a dozen small ones, each a request.
        codeSplitting: { groups: [{ name: 'dashboard', test: sharedByPages }] },
      },
    },
  },
  server: { host: '127.0.0.1', port: 5173, strictPort: true, proxy },
  preview: { host: '127.0.0.1', port: 5173, strictPort: true, proxy },
});
