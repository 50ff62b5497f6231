import { expect, test } from 'vitest';
import { rowSteps } from './use-window.ts';

test.each([
  [1, { first: 12, step: 12 }],
  [3, { first: 12, step: 8 }],
  [8, { first: 6, step: 3 }],
  [40, { first: 2, step: 1 }],
  [100, { first: 1, step: 1 }],
  [0, { first: 12, step: 12 }],
])('a board of %d environments begins with few cells and adds fewer', (columns, expected) => {
  expect(rowSteps(columns)).toEqual(expected);
});
