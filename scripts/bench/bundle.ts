import { run } from '../run.ts';
import type { Figure } from './figure.ts';

/** The first load of the artifact page, as `npm run check:size` measures it from the build. */
export async function firstLoad(): Promise<Figure> {
  const { code, output } = await run(['npm', 'run', '--silent', 'check:size']);
  const kilobytes = /([\d.]+) kB {2}brotli in all/.exec(output)?.[1];
  return {
    name: 'First load of the artifact page (bare page: 120 kB)',
    measured: kilobytes === undefined ? output.trim() : `${kilobytes} kB`,
    limit: 'at most 170 kB',
    reached: code === 0,
  };
}
