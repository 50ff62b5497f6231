import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importRules } from './import-rules.ts';
import { checkImports, type ForbiddenImport } from './imports.ts';

// A small house in which every wall is broken once.
const violations: readonly (readonly [rule: string, from: string, to: string])[] = [
  ['domain-is-pure', 'domain/policy/clock.ts', 'node:fs'],
  ['domain-tests-stay-inside', 'domain/policy/policy.test.ts', '#server/app.ts'],
  ['server-imports-only-domain', 'server/app.ts', '#src/lib/words.ts'],
  ['server-tests-stay-outside-of-the-dashboard', 'server/tests/world.ts', '#src/lib/words.ts'],
  ['dashboard-imports-only-domain', 'src/lib/words.ts', '#server/config.ts'],
  ['dashboard-runs-in-browsers', 'src/lib/disk.ts', 'node:fs'],
  ['components-make-no-requests', 'src/components/list.tsx', '@tanstack/react-query'],
  ['dashboard-feature-never-imports-app', 'src/features/policies/form.ts', '#src/app/router.ts'],
  [
    'dashboard-feature-never-imports-sibling',
    'src/features/policies/row.ts',
    '#src/features/releases/row.ts',
  ],
  ['dashboard-ground-floor', 'src/config/paths.ts', '#src/features/releases/row.ts'],
  ['testing-is-for-tests', 'src/app/router.ts', '#src/testing/transport.ts'],
  ['store-is-private', 'server/features/policies/service.ts', '#server/features/releases/store.ts'],
  ['store-belongs-to-a-feature', 'server/workers/coordinator.ts', '#server/features/releases/store.ts'],
  ['handlers-call-services', 'server/features/users/handlers.ts', './store.ts'],
  ['calls-go-down', 'server/features/releases/service.ts', './handlers.ts'],
  ['store-calls-nobody', 'server/features/users/store.ts', './service.ts'],
  ['services-do-not-know-the-wire', 'server/features/users/service.ts', '@connectrpc/connect'],
  ['features-do-not-know-the-driver', 'server/features/pipelines/store.ts', 'pg'],
  ['browser-tests-stay-outside', 'e2e/policies.spec.ts', '#src/lib/words.ts'],
  ['product-needs-no-development-tools', 'server/config.ts', 'fast-check'],
  ['no-circles', 'src/lib/left.ts', './right.ts'],
  ['imports-exist', 'src/app/shell.ts', './nowhere.ts'],
];
const innocent: Readonly<Record<string, string>> = {
  'src/lib/right.ts': "import './left.ts';",
  'src/features/releases/row.ts': '',
  'src/testing/transport.ts': '',
  'server/features/releases/store.ts': '',
  'server/features/releases/handlers.ts': '',
  'server/features/releases/state.ts': "import type { Row } from './store.ts';\nexport type State = Row;",
};

describe('import directions', () => {
  const house = mkdtempSync(join(tmpdir(), 'forage-imports-'));
  let found: readonly ForbiddenImport[] = [];

  beforeAll(async () => {
    const write = (path: string, text: string) => {
      mkdirSync(dirname(join(house, path)), { recursive: true });
      writeFileSync(join(house, path), text);
    };
    for (const [path, text] of Object.entries(innocent)) write(path, text);
    for (const [, from, to] of violations) write(from, `import '${to}';\nexport const one = 1;\n`);
    write(
      'package.json',
      JSON.stringify({
        type: 'module',
        imports: { '#domain/*': './domain/*', '#server/*': './server/*', '#src/*': './src/*' },
        dependencies: { pg: '*', '@connectrpc/connect': '*', '@tanstack/react-query': '*' },
        devDependencies: { 'fast-check': '*' },
      }),
    );
    symlinkSync(resolve('node_modules'), join(house, 'node_modules'));
    found = (await checkImports(house)).forbidden;
  });

  afterAll(() => rmSync(house, { recursive: true }));

  test.each(violations)('%s is found', (rule, from) => {
    expect(found.filter((one) => one.rule === rule).map((one) => one.from)).toContain(from);
  });

  test('every rule has its case', () => {
    expect(importRules.map((rule) => rule.name).sort()).toEqual(violations.map(([rule]) => rule).sort());
  });

  test("a feature's own store is its own to use", () => {
    expect(found.filter((one) => one.from === 'server/features/releases/state.ts')).toEqual([]);
  });
});
