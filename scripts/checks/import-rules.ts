// Who may import whom: the floors of the house (CONTRIBUTING.md), checked by `npm run imports`. The rules speak of kinds
// of folders, never of one feature, so a new feature is covered at once.

import type { IForbiddenRuleType } from 'dependency-cruiser';

const tests = '(\\.test\\.tsx?$|^server/tests/|^src/testing/|^domain/testing/)';

/** Each rule has its broken wall in `imports.test.ts`. */
export const importRules: readonly (IForbiddenRuleType & { name: string })[] = [
  {
    name: 'domain-is-pure',
    comment: 'domain holds rules: no generated code, React, Node, SQL, clock or randomness.',
    severity: 'error',
    from: { path: '^domain/', pathNot: tests },
    to: { pathNot: '^domain/' },
  },
  {
    name: 'domain-tests-stay-inside',
    comment: 'a test of a rule needs the rule and a test library.',
    severity: 'error',
    from: { path: '^domain/' },
    to: { path: '^(server|src|scripts|e2e)/' },
  },
  {
    name: 'server-imports-only-domain',
    comment: 'the server knows nothing of the dashboard, the scripts or the browser tests.',
    severity: 'error',
    from: { path: '^server/', pathNot: '^server/tests/' },
    to: { path: '^(src|scripts|e2e)/' },
  },
  {
    name: 'server-tests-stay-outside-of-the-dashboard',
    comment: 'what scripts start (a server, NATS) is as real for tests of the server.',
    severity: 'error',
    from: { path: '^server/tests/' },
    to: { path: '^(src|e2e)/' },
  },
  {
    name: 'dashboard-imports-only-domain',
    comment: 'what the dashboard knows of the server is the contract, generated into src/gen.',
    severity: 'error',
    from: { path: '^src/' },
    to: { path: '^(server|scripts|e2e)/' },
  },
  {
    name: 'dashboard-runs-in-browsers',
    comment: 'no Node modules in what a browser loads.',
    severity: 'error',
    from: { path: '^src/', pathNot: tests },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'components-make-no-requests',
    comment: 'a component is given what it shows; requests belong to features.',
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
    comment: 'two features meet in a route of src/app, or what they share moves to components or lib.',
    severity: 'error',
    from: { path: '^src/features/([^/]+)/' },
    to: { path: '^src/features/[^/]+/', pathNot: '^src/features/$1/' },
  },
  {
    name: 'dashboard-ground-floor',
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
    comment: 'a handler converts and calls its service; rules and SQL are further down.',
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
    name: 'store-calls-nobody',
    severity: 'error',
    from: { path: '^server/features/[^/]+/[^/]*store\\.ts$' },
    to: { path: '^server/features/[^/]+/[^/]*service\\.ts$' },
  },
  {
    name: 'services-do-not-know-the-wire',
    comment: 'refusals are thrown as Failure and mapped to codes in rpc/errors.ts alone.',
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
    name: 'browser-tests-stay-outside',
    comment: 'browser tests are users of the product: the contract and the screens are all they know.',
    severity: 'error',
    from: { path: '^e2e/' },
    to: { path: '^(src|domain|server)/', pathNot: '^server/gen/' },
  },
  {
    name: 'product-needs-no-development-tools',
    comment: 'what runs after `npm ci --omit=dev` stands in dependencies.',
    severity: 'error',
    from: { path: '^(server|domain|src)/', pathNot: tests },
    to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm', 'type-only'] },
  },
  {
    name: 'no-circles',
    comment: 'what is only loaded later (a dynamic import) may look back at who loads it.',
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
