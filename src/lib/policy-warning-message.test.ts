import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { PolicyWarningKind as Kind, PolicyWarningSchema } from '#src/gen/forest/v1/policies_pb.ts';
import { policyWarningMessage } from './policy-warning-message.ts';

type Warning = MessageInitShape<typeof PolicyWarningSchema>;
const message = (warning: Warning, about: 'policy' | 'release' = 'policy') =>
  policyWarningMessage(create(PolicyWarningSchema, { policyName: 'gate', ...warning }), about);

it.each<[Warning, RegExp]>([
  [
    { kind: Kind.NOT_ENOUGH_VOTERS, required: 3, eligible: 2 },
    /gate requires 3 approvals, but only 2 members other than the author of a release can vote/,
  ],
  [{ kind: Kind.NOT_ENOUGH_VOTERS, required: 2, eligible: 1 }, /only 1 member other than/],
  [
    { kind: Kind.NOT_ENOUGH_VOTERS, required: 1, eligible: 0 },
    /requires 1 approval, but no member other than/,
  ],
  [{ kind: Kind.ONLY_AUTHOR_COULD_VOTE, required: 1 }, /only member cannot approve their own/],
  [
    { kind: Kind.UNKNOWN_SOURCE },
    /^The source names nobody in this organisation, so four eyes cannot be checked/,
  ],
  [{ kind: Kind.SOURCE_WITHOUT_DESTINATIONS, environment: 'staging' }, /soak in staging, which has no dest/],
  [
    { kind: Kind.TARGET_WITHOUT_DESTINATIONS, environment: 'production' },
    /protects production, which has no/,
  ],
  [
    { kind: Kind.PATTERN_MATCHES_NO_RECENT_BRANCH, pattern: '^mian$', recentBranches: ['main', 'dev'] },
    /\^mian\$ matches none of them \(most recent: main, dev\)/,
  ],
  [{ kind: Kind.PATTERN_MATCHES_NO_RECENT_BRANCH, pattern: 'x' }, /matches none of them\. Check/],
  [{ kind: Kind.UNSPECIFIED }, /may never pass/],
])('describes %o', (warning, expected) => {
  expect(message(warning)).toMatch(expected);
});

it('names the author where there is a release', () => {
  expect(message({ kind: Kind.NOT_ENOUGH_VOTERS, required: 3, eligible: 2 }, 'release')).toMatch(
    /other than the author can/,
  );
  expect(message({ kind: Kind.ONLY_AUTHOR_COULD_VOTE, required: 1 }, 'release')).toMatch(/the author is the/);
});
