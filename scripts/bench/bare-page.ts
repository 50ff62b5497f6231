import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { build } from 'vite';
import { precompress } from '../precompress.ts';
import { root } from '../run.ts';

/** Where the bare page stands beside the dashboard. */
export const barePath = '/bare/index.html';

/**
 * Puts the dashboard as it is built and, below `bare/`, the bare page into `folder`, for one server to serve both: same
 * process, same headers, same compression.
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
