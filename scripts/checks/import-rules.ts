// Allowed import directions (CONTRIBUTING.md), checked by `npm run check:imports`. The rules name kinds of folders, never one
// feature, so they also apply to new features.

import type { IForbiddenRuleType } from 'dependency-cruiser';

const tests = '(\\.test\\.tsx?$|^server/tests/|^src/testing/|^domain/testing/)';

/** `imports.test.ts` violates each rule once. */
export const importRules: readonly (IForbiddenRuleType & { name: string })[] = [
  {
    name: 'domain-is-pure',
    comment: 'domain holds rules: no generated code, React, Node, SQL, clock or randomness.',
    severity: 'error',
    from: { path: '^domain/', pathNot: tests },
    to: { pathNot: '^domain/' },
  },
  {
    name: 'domain-tests-import-only-domain',
    comment: 'tests of the domain need the domain and a test library only.',
    severity: 'error',
    from: { path: '^domain/' },
    to: { path: '^(server|src|scripts|e2e)/' },
  },
  {
    name: 'server-imports-only-domain',
    comment: 'the server does not depend on the dashboard, the scripts or the browser tests.',
    severity: 'error',
    from: { path: '^server/', pathNot: '^server/tests/' },
    to: { path: '^(src|scripts|e2e)/' },
  },
  {
    name: 'server-tests-do-not-import-the-dashboard',
    comment: 'tests of the server may start what scripts start (a server, NATS).',
    severity: 'error',
    from: { path: '^server/tests/' },
    to: { path: '^(src|e2e)/' },
  },
  {
    name: 'dashboard-imports-only-domain',
    comment: 'the dashboard depends on the contract, generated into src/gen, not on the server.',
    severity: 'error',
    from: { path: '^src/' },
    to: { path: '^(server|scripts|e2e)/' },
  },
  {
    name: 'dashboard-runs-in-browsers',
    comment: 'browsers have no Node modules.',
    severity: 'error',
    from: { path: '^src/', pathNot: tests },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'components-make-no-requests',
    comment: 'components receive props; requests belong to features.',
    severity: 'error',
    from: { path: '^src/components/', pathNot: tests },
    to: { path: '(^src/(app|features|gen|testing)/|node_modules/@connectrpc/|node_modules/@tanstack/)' },
  },
  {
    name: 'dashboard-feature-never-imports-app',
    severity: 'error',
    from: { path: '^src/features/' },
    to: { path: '^src/app/' },
  },
  {
    name: 'dashboard-feature-never-imports-sibling',
    comment: 'combine features in a route of src/app; shared parts belong to components or lib.',
    severity: 'error',
    from: { path: '^src/features/([^/]+)/' },
    to: { path: '^src/features/[^/]+/', pathNot: '^src/features/$1/' },
  },
  {
    name: 'dashboard-lib-is-below-features',
    comment: 'lib and config are below features and screens.',
    severity: 'error',
    from: { path: '^src/(lib|config)/', pathNot: tests },
    to: { path: '^src/(app|features)/' },
  },
  {
    name: 'testing-is-for-tests',
    severity: 'error',
    from: { path: '^(server|src|domain)/', pathNot: tests },
    to: { path: tests },
  },
  {
    name: 'store-is-private',
    comment: "a service may call another service, never another's store; workers and rpc call services too.",
    severity: 'error',
    from: { path: '^server/features/([^/]+)/', pathNot: tests },
    to: { path: '^server/features/[^/]+/[^/]*store\\.ts$', pathNot: '^server/features/$1/' },
  },
  {
    name: 'store-belongs-to-a-feature',
    severity: 'error',
    from: { path: '^server/', pathNot: ['^server/features/', tests] },
    to: { path: '^server/features/[^/]+/[^/]*store\\.ts$' },
  },
  {
    name: 'handlers-call-services',
    comment: 'a handler converts and calls its service; rules and SQL belong there.',
    severity: 'error',
    from: { path: '^server/features/[^/]+/[^/]*handlers\\.ts$' },
    to: {
      path: ['^server/features/[^/]+/[^/]*store\\.ts$', '^server/features/[^/]+/[^/]*handlers\\.ts$'],
    },
  },
  {
    name: 'calls-go-down',
    comment: 'handlers → service → store.',
    severity: 'error',
    from: { path: '^server/features/[^/]+/[^/]*(service|store)\\.ts$' },
    to: { path: '^server/features/[^/]+/[^/]*handlers\\.ts$' },
  },
  {
    name: 'store-calls-no-service',
    severity: 'error',
    from: { path: '^server/features/[^/]+/[^/]*store\\.ts$' },
    to: { path: '^server/features/[^/]+/[^/]*service\\.ts$' },
  },
  {
    name: 'features-are-below-rpc',
    comment: 'what handlers, services and rpc share is in server/wire; only handlers may import rpc.',
    severity: 'error',
    from: { path: '^server/features/', pathNot: ['^server/features/[^/]+/[^/]*handlers\\.ts$', tests] },
    to: { path: '^server/(rpc|app\\.ts)' },
  },
  {
    name: 'wire-is-below-features',
    comment: "only the caller's types may come from the access feature.",
    severity: 'error',
    from: { path: '^server/wire/', pathNot: tests },
    to: { path: '^server/(features|rpc|http|workers)/', dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'services-do-not-know-the-wire',
    comment: 'services throw Failure; rpc/errors.ts maps it to codes.',
    severity: 'error',
    from: { path: '^server/features/[^/]+/[^/]*(service|store)\\.ts$', pathNot: tests },
    to: { path: 'node_modules/@connectrpc/' },
  },
  {
    name: 'features-do-not-know-the-driver',
    comment: 'statements are declared with server/db/database.ts.',
    severity: 'error',
    from: { path: '^server/features/', pathNot: tests },
    to: { path: 'node_modules/pg/' },
  },
  {
    name: 'browser-tests-import-only-the-contract',
    comment: 'browser tests use the contract and the screens only.',
    severity: 'error',
    from: { path: '^e2e/' },
    to: { path: '^(src|domain|server)/', pathNot: '^server/gen/' },
  },
  {
    name: 'product-needs-no-development-tools',
    comment: 'what runs after `npm ci --omit=dev` must be in dependencies.',
    severity: 'error',
    from: { path: '^(server|domain|src)/', pathNot: tests },
    to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm', 'type-only'] },
  },
  {
    name: 'no-circles',
    comment: 'a dynamically imported module may import the module that loads it.',
    severity: 'error',
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ['dynamic-import'] } },
  },
  {
    name: 'imports-exist',
    severity: 'error',
    from: {},
    to: { couldNotResolve: true },
  },
];
