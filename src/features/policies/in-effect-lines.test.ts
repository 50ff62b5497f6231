import { describe, expect, test } from 'vitest';
import { approverLine, waitingLine } from './in-effect-lines.ts';

describe('who can approve', () => {
  test.each<[members: number, required: number, text: string, enough: boolean]>([
    [4, 2, '3 members can approve', true],
    [4, 3, '3 members can approve', true],
    [4, 4, 'Only 3 members can approve', false],
    [2, 1, '1 member can approve', true],
    [2, 2, 'Only 1 member can approve', false],
    [1, 1, 'No member other than the author can approve', false],
    [4, Number.NaN, '3 members can approve', true],
  ])('%i members, %i required', (members, required, text, enough) =>
    expect(approverLine(members, required)).toEqual({ text, enough }),
  );
});

test.each([
  [0, 'No release waits for production'],
  [1, '1 release waits for production'],
  [19, '19 releases wait for production'],
  [20, '20 or more releases wait for production'],
])('%i waiting releases', (count, line) => expect(waitingLine(count, 'production')).toBe(line));
