import { expect, test } from 'vitest';
import { paths } from '#src/config/paths.ts';
import { pageName } from './page-name.ts';

test.each([
  [paths.account(), 'your account'],
  [paths.organisation('acme'), 'acme'],
  [paths.members('acme'), 'members of acme'],
  [paths.project('acme', 'checkout'), 'releases of checkout'],
  [paths.requirements('acme', 'checkout', 'a-title', 'b2'), 'a release of checkout'],
  [paths.policies('acme', 'checkout'), 'policies of checkout'],
  [paths.policy('acme', 'checkout', 'Two approvals!'), 'a policy of checkout'],
])('%s is %s', (path, name) => {
  expect(pageName(path)).toBe(name);
});

test.each(['/', '/no/such/page', paths.organisation('Call 0800 now'), paths.project('acme', '<b>')])(
  '%s has no name',
  (path) => {
    expect(pageName(path)).toBeUndefined();
  },
);
