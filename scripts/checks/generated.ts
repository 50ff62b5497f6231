// Generates code from proto/ into a temporary folder and compares it with server/gen and src/gen.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run } from '../run.ts';

function filesBelow(folder: string): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return new Map(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]),
  );
}

const generated = mkdtempSync(join(tmpdir(), 'forage-generated-'));
try {
  const { code, output } = await run(['buf', 'generate', '--output', generated]);
  if (code !== 0) throw new Error(output);
  const stale: string[] = [];
  let compared = 0;
  for (const folder of ['server/gen', 'src/gen']) {
    const expected = filesBelow(join(generated, folder));
    const committed = filesBelow(join(root, folder));
    for (const path of new Set([...expected.keys(), ...committed.keys()])) {
      compared++;
      if (expected.get(path) !== committed.get(path)) stale.push(join(folder, path));
    }
  }
  console.log(`${compared} generated files compared, ${stale.length} stale`);
  if (stale.length > 0) {
    console.log(`${stale.join('\n')}\nRun \`npm run generate\` and commit the result.`);
    process.exitCode = 1;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(generated, { recursive: true, force: true });
}
