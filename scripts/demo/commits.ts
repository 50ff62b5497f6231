import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from '../run.ts';

/** The commit that an artifact of the demo was built from. */
export interface Commit {
  readonly sha: string;
  readonly title: string;
  readonly description: string;
}

/** The version in package.json. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
}

const unit = '\u001f';
const record = '\u001e';

/**
 * The last commits of this checkout, oldest first, at least one and at most `max`, without names of people. Without git
 * history it returns one entry, named after the package's version.
 */
export async function commitsOfCheckout(max: number): Promise<readonly Commit[]> {
  const format = `--format=%H${unit}%s${unit}%b${record}`;
  const { code, output } = await run(['git', 'log', '--first-parent', '-n', String(max), format, '--', '.']);
  const records = code === 0 ? output.split(record).filter((text) => text.includes(unit)) : [];
  if (records.length === 0) {
    console.log("No git history: the demo's artifacts are named after the package's version.");
    const title = `Forage ${packageVersion()}`;
    return [{ sha: '0'.repeat(40), title, description: '' }];
  }
  return records.reverse().map((text) => {
    const [sha = '', subject = '', body = ''] = text.trim().split(unit);
    return {
      sha,
      title: subject.slice(0, 200) || sha,
      // Trailers name people and tools.
      description: body
        .replace(/^[A-Z][A-Za-z-]+: .*$/gm, '')
        .trim()
        .slice(0, 2000),
    };
  });
}
