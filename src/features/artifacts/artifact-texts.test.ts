import { describe, expect, it } from 'vitest';
import { sourceLabel, titleLines } from './artifact-texts.ts';

describe('titleLines', () => {
  it('shows a short title alone', () => {
    expect(titleLines('Fix the tax')).toEqual({ heading: 'Fix the tax', full: undefined });
  });

  it('keeps several lines as the full title', () => {
    expect(titleLines('Fix the tax\r\n\nIt was wrong.')).toEqual({
      heading: 'Fix the tax',
      full: 'Fix the tax\r\n\nIt was wrong.',
    });
  });

  it('shortens a long line between characters', () => {
    const family = '👨‍👩‍👧';
    const { heading, full } = titleLines(family.repeat(300));
    expect(heading).toBe(`${family.repeat(159)}…`);
    expect(full).toBe(family.repeat(300));
  });

  it('shows a missing title as Untitled', () => {
    expect(titleLines(' \n ')).toEqual({ heading: 'Untitled', full: undefined });
  });
});

it.each([
  [{ user: 'renovate', authorUsernames: [] }, 'renovate'],
  [{ user: '', email: 'a@example.com', authorUsernames: [] }, 'a@example.com'],
  [{ user: 'alice', authorUsernames: ['alice'] }, 'alice (author)'],
  [{ user: ' Alice', authorUsernames: ['alice'] }, 'alice (author)'],
  [{ user: 'Alice Smith', authorUsernames: ['alice'] }, 'Alice Smith, author alice'],
  [{ email: 'alice@example.com', authorUsernames: ['alice'] }, 'alice@example.com, author alice'],
  [{ user: 'alice', authorUsernames: ['alice', 'bob'] }, 'alice, authors alice and bob'],
  [{ authorUsernames: ['alice'] }, 'author alice'],
])('names the source %o as “%s”', (source, label) => {
  expect(sourceLabel(source)).toBe(label);
});
