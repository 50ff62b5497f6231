import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { PersonalAccessTokenSchema } from '#src/gen/forest/v1/users_pb.ts';
import { hasEnded, lifetimes } from './token-words.ts';

const now = Date.UTC(2026, 10, 22);

test.each([
  [undefined, false],
  [timestampFromMs(now + 1000), false],
  [timestampFromMs(now), true],
  [timestampFromMs(now - 1000), true],
])('a token that ends at %o has ended: %s', (expiresAt, ended) => {
  expect(hasEnded(create(PersonalAccessTokenSchema, { expiresAt }), now)).toBe(ended);
});

test('no lifetime is longer than the server allows', () => {
  for (const { seconds } of lifetimes) expect(seconds).toBeLessThanOrEqual(31_536_000);
});
