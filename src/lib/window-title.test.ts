// @vitest-environment jsdom
import { expect, it } from 'vitest';
import { setWindowTitle } from './window-title.ts';

it('names the page and counts what waits', () => {
  setWindowTitle({ page: 'Policies · checkout' });
  expect(document.title).toBe('Policies · checkout · Forage');
  setWindowTitle({ waiting: 2 });
  expect(document.title).toBe('(2) Policies · checkout · Forage');
  setWindowTitle({ page: '' });
  expect(document.title).toBe('(2) Forage');
  setWindowTitle({ waiting: 100 });
  expect(document.title).toBe('(100+) Forage');
  setWindowTitle({ waiting: 0 });
  expect(document.title).toBe('Forage');
});

it('shows hidden characters of names', () => {
  setWindowTitle({ page: 'a\u202eb' });
  expect(document.title).not.toContain('\u202e');
});
