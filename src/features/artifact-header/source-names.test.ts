import { expect, test } from 'vitest';
import { sourceNames } from './source-names.ts';

test.each([
  [{ user: 'renovate', authorUsernames: [] }, 'renovate'],
  [{ user: '', email: 'a@example.com', authorUsernames: [] }, 'a@example.com'],
  [{ user: 'alice', authorUsernames: ['alice'] }, 'alice (author)'],
  [{ user: ' Alice', authorUsernames: ['alice'] }, 'alice (author)'],
  [{ user: 'Alice Smith', authorUsernames: ['alice'] }, 'Alice Smith, author alice'],
  [{ email: 'alice@example.com', authorUsernames: ['alice'] }, 'alice@example.com, author alice'],
  [{ user: 'alice', authorUsernames: ['alice', 'bob'] }, 'alice, authors alice and bob'],
  [{ authorUsernames: ['alice'] }, 'author alice'],
])('%o is shown as “%s”', (source, words) => {
  expect(sourceNames(source)).toBe(words);
});
