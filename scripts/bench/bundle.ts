import { run } from '../run.ts';
import type { Figure } from './figure.ts';

/** The first load of the artifact page, measured by `npm run check:size`. */
export async function firstLoad(): Promise<Figure> {
  const { code, output } = await run(['npm', 'run', '--silent', 'check:size']);
  const kilobytes = /([\d.]+) kB {2}brotli in total/.exec(output)?.[1];
  return {
    name: 'First load of the artifact page (bare page: 120 kB)',
    measured: kilobytes === undefined ? output.trim() : `${kilobytes} kB`,
    limit: 'at most 168 kB',
    reached: code === 0,
  };
}
