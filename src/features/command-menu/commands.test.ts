import { expect, test } from 'vitest';
import { type Command, fixedCommands, matching } from './commands.ts';

const release = (label: string, to: string): Command => ({
  group: 'Releases',
  label,
  detail: 'acme / shop',
  to,
});
const project = (label: string): Command => ({ group: 'Projects', label, detail: 'acme', to: `/p/${label}` });

test('lists the screens of the current project and organisation first, also those of other projects', () => {
  const projects = [
    { organisation: 'acme', project: 'web' },
    { organisation: 'beta', project: 'shop' },
  ];
  const organisations = ['acme', 'beta'].map((organisation) => ({ organisation, isAdmin: false }));
  const commands = fixedCommands(organisations, projects, { organisation: 'beta', project: 'shop' });
  expect(commands.map(({ to }) => to)).toEqual([
    '/orgs/beta',
    '/orgs/acme',
    '/',
    '/orgs/beta/projects/shop',
    '/orgs/beta/projects/shop/policies',
    '/orgs/beta/projects/shop/pipelines',
    '/orgs/acme/projects/web',
    '/orgs/acme/projects/web/policies',
    '/orgs/acme/projects/web/pipelines',
    '/orgs/beta',
    '/orgs/beta/members',
    '/orgs/beta/environments',
    '/orgs/beta/history',
    '/orgs/acme',
    '/orgs/acme/members',
    '/orgs/acme/environments',
    '/orgs/acme/history',
    '/account',
  ]);
});

test('offers actions where the user is an admin', () => {
  const projects = [
    { organisation: 'acme', project: 'web' },
    { organisation: 'beta', project: 'shop' },
  ];
  const organisations = [
    { organisation: 'acme', isAdmin: true },
    { organisation: 'beta', isAdmin: false },
  ];
  const commands = fixedCommands(organisations, projects, { organisation: undefined, project: undefined });
  const actions = commands.filter(({ group }) => group === 'Actions');
  expect(actions.map(({ label, detail, to }) => [label, detail, to])).toEqual([
    ['Create policy', 'acme / web', '/orgs/acme/projects/web/policies#new'],
    ['Create pipeline', 'acme / web', '/orgs/acme/projects/web/pipelines#new'],
    ['Add member', 'acme', '/orgs/acme/members#new'],
    ['Create environment', 'acme', '/orgs/acme/environments#new'],
  ]);
});

test('matches all words in any order, ignoring case', () => {
  const commands = fixedCommands(
    ['acme', 'beta'].map((organisation) => ({ organisation, isAdmin: true })),
    [],
    { organisation: undefined, project: undefined },
  );
  expect(matching(commands, '  MEMBERS  acme ').map(({ to }) => to)).toEqual(['/orgs/acme/members']);
  expect(matching(commands, 'memb nobody')).toEqual([]);
});

test('lists labels that start with the text first', () => {
  const found = matching([project('my-shop'), project('shop'), project('shopping')], 'shop');
  expect(found.map(({ label }) => label)).toEqual(['shop', 'shopping', 'my-shop']);
});

test('lists a release once, and at most 8 of each group', () => {
  const many = Array.from({ length: 20 }, (_, index) => release(`Build ${index}`, `/r/${index}`));
  const waiting = release('Build 0', '/r/0#policy-requirements');
  const found = matching([waiting, ...many, project('build-tools')], 'build');
  expect(found).toHaveLength(9);
  expect(found.filter(({ label }) => label === 'Build 0')).toEqual([waiting]);
});
