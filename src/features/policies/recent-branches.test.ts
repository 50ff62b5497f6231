import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { ArtifactSchema } from '#src/gen/forest/v1/releases_pb.ts';
import { matchSentence, recentBranches } from './recent-branches.ts';

const build = (branch?: string) => create(ArtifactSchema, { ref: { ...(branch && { branch }) } });

test('lists the branches of builds once, newest first, at most 20', () => {
  expect(recentBranches([build('main'), build(), build('dev'), build('main')])).toEqual(['main', 'dev']);
  expect(recentBranches(Array.from({ length: 30 }, (_, n) => build(`b${n}`)))).toHaveLength(20);
});

test.each([
  [['main', 'release/2.1'], 3, 'Matches 2 of the last 3 branches: main, release/2.1'],
  [[], 3, 'Matches 0 of the last 3 branches'],
  [['main'], 1, 'Matches 1 of 1 recent branch: main'],
  [['a', 'b', 'c', 'd', 'e', 'f'], 9, 'Matches 6 of the last 9 branches: a, b, c, d, e, …'],
])('%j of %i', (matching, count, sentence) => {
  expect(matchSentence(matching, count)).toBe(sentence);
});
