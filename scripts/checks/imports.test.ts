import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importRules } from './import-rules.ts';
import { checkImports, type ForbiddenImport } from './imports.ts';

// A small project that violates every rule once.
const violations: readonly (readonly [rule: string, from: string, to: string])[] = [
  ['domain-is-pure', 'domain/policy/clock.ts', 'node:fs'],
  ['domain-tests-import-only-domain', 'domain/policy/policy.test.ts', '#server/app.ts'],
  ['server-imports-only-domain', 'server/app.ts', '#src/lib/labels.ts'],
  ['server-tests-do-not-import-the-dashboard', 'server/tests/world.ts', '#src/lib/labels.ts'],
  ['dashboard-imports-only-domain', 'src/lib/labels.ts', '#server/config.ts'],
  ['dashboard-runs-in-browsers', 'src/lib/disk.ts', 'node:fs'],
  ['components-make-no-requests', 'src/components/list.tsx', '@tanstack/react-query'],
  ['dashboard-feature-never-imports-app', 'src/features/policies/form.ts', '#src/app/router.ts'],
  [
    'dashboard-feature-never-imports-sibling',
    'src/features/policies/row.ts',
    '#src/features/releases/row.ts',
  ],
  ['dashboard-lib-is-below-features', 'src/config/paths.ts', '#src/features/releases/row.ts'],
  ['testing-is-for-tests', 'src/app/router.ts', '#src/testing/transport.ts'],
  ['store-is-private', 'server/features/policies/service.ts', '#server/features/releases/store.ts'],
  ['store-belongs-to-a-feature', 'server/workers/coordinator.ts', '#server/features/releases/store.ts'],
  ['handlers-call-services', 'server/features/users/handlers.ts', './store.ts'],
  ['calls-go-down', 'server/features/releases/service.ts', './handlers.ts'],
  ['store-calls-no-service', 'server/features/users/store.ts', './service.ts'],
  ['features-are-below-rpc', 'server/features/users/attempts-service.ts', '#server/rpc/errors.ts'],
  ['wire-is-below-features', 'server/wire/scopes.ts', '#server/features/users/state.ts'],
  ['services-do-not-know-the-wire', 'server/features/users/service.ts', '@connectrpc/connect'],
  ['features-do-not-know-the-driver', 'server/features/pipelines/store.ts', 'pg'],
  ['browser-tests-import-only-the-contract', 'e2e/policies.spec.ts', '#src/lib/labels.ts'],
  ['product-needs-no-development-tools', 'server/config.ts', 'fast-check'],
  ['no-circles', 'src/lib/left.ts', './right.ts'],
  ['imports-exist', 'src/app/shell.ts', './nowhere.ts'],
];
const allowed: Readonly<Record<string, string>> = {
  'src/lib/right.ts': "import './left.ts';",
  'src/features/releases/row.ts': '',
  'src/testing/transport.ts': '',
  'server/features/releases/store.ts': '',
  'server/features/releases/handlers.ts': '',
  'server/rpc/errors.ts': '',
  'server/features/users/state.ts': '',
  'server/features/releases/state.ts': "import type { Row } from './store.ts';\nexport type State = Row;",
};

describe('import rules', () => {
  const project = mkdtempSync(join(tmpdir(), 'forage-imports-'));
  let found: readonly ForbiddenImport[] = [];

  beforeAll(async () => {
    const write = (path: string, text: string) => {
      mkdirSync(dirname(join(project, path)), { recursive: true });
      writeFileSync(join(project, path), text);
    };
    for (const [path, text] of Object.entries(allowed)) write(path, text);
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
    symlinkSync(resolve('node_modules'), join(project, 'node_modules'));
    found = (await checkImports(project)).forbidden;
  });

  afterAll(() => rmSync(project, { recursive: true }));

  test.each(violations)('finds a violation of %s', (rule, from) => {
    expect(found.filter((one) => one.rule === rule).map((one) => one.from)).toContain(from);
  });

  test('covers every rule', () => {
    expect(importRules.map((rule) => rule.name).sort()).toEqual(violations.map(([rule]) => rule).sort());
  });

  test("allows a feature's own store", () => {
    expect(found.filter((one) => one.from === 'server/features/releases/state.ts')).toEqual([]);
  });
});
