import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { PolicyWarningKind as Kind, PolicyWarningSchema } from '#src/gen/forest/v1/policies_pb.ts';
import { policyWarningWords } from './policy-warning-words.ts';

type Warning = MessageInitShape<typeof PolicyWarningSchema>;
const words = (warning: Warning, about: 'policy' | 'release' = 'policy') =>
  policyWarningWords(create(PolicyWarningSchema, { policyName: 'gate', ...warning }), about);

it.each<[Warning, RegExp]>([
  [
    { kind: Kind.NOT_ENOUGH_VOTERS, required: 3, eligible: 2 },
    /gate asks for 3 approvals, but only 2 members may vote besides the author of a release/,
  ],
  [{ kind: Kind.NOT_ENOUGH_VOTERS, required: 2, eligible: 1 }, /only 1 member may vote/],
  [{ kind: Kind.NOT_ENOUGH_VOTERS, required: 1, eligible: 0 }, /asks for 1 approval, but nobody may vote/],
  [{ kind: Kind.ONLY_AUTHOR_COULD_VOTE, required: 1 }, /one member, who cannot approve their own/],
  [{ kind: Kind.SOURCE_WITHOUT_DESTINATIONS, environment: 'staging' }, /soak in staging, which has no dest/],
  [{ kind: Kind.TARGET_WITHOUT_DESTINATIONS, environment: 'production' }, /guards production, which has no/],
  [
    { kind: Kind.PATTERN_MATCHES_NO_RECENT_BRANCH, pattern: '^mian$', recentBranches: ['main', 'dev'] },
    /\^mian\$ matches none of them \(the latest: main, dev\)/,
  ],
  [{ kind: Kind.PATTERN_MATCHES_NO_RECENT_BRANCH, pattern: 'x' }, /matches none of them\. Check/],
  [{ kind: Kind.UNSPECIFIED }, /could never pass/],
])('%o', (warning, expected) => {
  expect(words(warning)).toMatch(expected);
});

it('knows the author where there is a release', () => {
  expect(words({ kind: Kind.NOT_ENOUGH_VOTERS, required: 3, eligible: 2 }, 'release')).toMatch(
    /besides the author\./,
  );
  expect(words({ kind: Kind.ONLY_AUTHOR_COULD_VOTE, required: 1 }, 'release')).toMatch(/its author is the/);
});
