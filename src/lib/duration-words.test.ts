import { expect, test } from 'vitest';
import { durationInWords } from './duration-words.ts';

test.each([
  [1, '1 second'],
  [1_800, '30 minutes'],
  [5_400, '1 hour 30 minutes'],
  [172_801, '2 days 1 second'],
])('%i seconds are %s', (seconds, words) => expect(durationInWords(seconds)).toBe(words));
