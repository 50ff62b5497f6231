import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { build } from 'vite';
import { precompress } from '../precompress.ts';
import { root } from '../run.ts';

/** The path of the bare page. */
export const barePath = '/bare/index.html';

/**
 * Copies the built dashboard to `folder` and builds the bare page into `bare/` in it, so that one server serves both with the same
 * headers and compression.
 */
export async function withBarePage(folder: string): Promise<void> {
  await cp(join(root, 'dist'), folder, { recursive: true });
  await build({
    configFile: false,
    root: join(root, 'scripts/bench/bare-page'),
    base: '/bare/',
    logLevel: 'error',
    plugins: [react(), precompress()],
    build: {
      outDir: join(folder, 'bare'),
      emptyOutDir: false,
      target: 'baseline-widely-available',
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 1_000,
    },
  });
}
