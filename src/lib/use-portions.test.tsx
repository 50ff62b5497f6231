// @vitest-environment jsdom
import { act, renderHook } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { usePortions } from './use-portions.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const countOf = (total: number, filter: string) =>
  renderHook((props) => usePortions(props.total, props.filter), { initialProps: { total, filter } });
const step = () => act(() => vi.runOnlyPendingTimers());
const all = () => {
  while (vi.getTimerCount() > 0) step();
};

test('renders a short list at once', () => {
  const { result } = countOf(10, '');
  expect(result.current).toBe(10);
  all();
  expect(result.current).toBe(10);
});

test('renders the first of many rows at once, and the others in portions', () => {
  const { result, rerender } = countOf(60, '');
  const [first] = [result.current];
  expect(first).toBeLessThan(20);
  step();
  expect(result.current).toBeGreaterThan(first);
  expect(result.current).toBeLessThan(30);
  all();
  expect(result.current).toBe(60);
  // Another page was loaded.
  rerender({ total: 110, filter: '' });
  expect(result.current).toBeLessThan(80);
  all();
  expect(result.current).toBe(110);
});

test('begins again with another filter', () => {
  const { result, rerender } = countOf(60, '');
  all();
  rerender({ total: 50, filter: 'production' });
  expect(result.current).toBeLessThan(20);
  all();
  expect(result.current).toBe(50);
});
