import { expect, test } from 'vitest';
import { type Command, matching, screenCommands } from './commands.ts';

const release = (label: string, to: string): Command => ({
  group: 'Releases',
  label,
  detail: 'acme / shop',
  to,
});
const project = (label: string): Command => ({ group: 'Projects', label, detail: 'acme', to: `/p/${label}` });

test('lists the current project and organisation first', () => {
  const commands = screenCommands(['acme', 'beta'], { organisation: 'beta', project: 'shop' });
  expect(commands.map(({ to }) => to)).toEqual([
    '/orgs/beta/projects/shop',
    '/orgs/beta/projects/shop/policies',
    '/orgs/beta/projects/shop/pipelines',
    '/',
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

test('matches all words in any order, ignoring case', () => {
  const commands = screenCommands(['acme', 'beta'], { organisation: undefined, project: undefined });
  expect(matching(commands, '  MEMB  acme ').map(({ to }) => to)).toEqual(['/orgs/acme/members']);
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
