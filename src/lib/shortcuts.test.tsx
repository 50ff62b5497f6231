// @vitest-environment jsdom
import { fireEvent, render } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { startTransition } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach, expect, test, vi } from 'vitest';
import { useShortcuts } from './shortcuts.ts';
import { switchSingleKeys } from './single-keys.ts';

const approve = vi.fn();
const down = vi.fn();

function Screen() {
  useShortcuts({ a: { run: approve }, j: { run: down, repeats: true } });
  return (
    <>
      <button type="button">Elsewhere</button>
      <input aria-label="Text" />
      <input aria-label="Box" type="checkbox" />
      <textarea aria-label="Lines" />
      <select aria-label="Choice">
        <option>apple</option>
      </select>
    </>
  );
}

afterEach(() => {
  switchSingleKeys(true);
  approve.mockClear();
  down.mockClear();
});

test('a key acts on the page, on a button and on a checkbox', async () => {
  const user = userEvent.setup();
  const view = render(<Screen />);
  await user.keyboard('a');
  view.getByRole('button').focus();
  await user.keyboard('a');
  view.getByLabelText('Box').focus();
  await user.keyboard('a');
  expect(approve).toHaveBeenCalledTimes(3);
});

test('a key acts on a layout without Latin letters, by its place', () => {
  render(<Screen />);
  fireEvent.keyDown(document.body, { key: 'ф', code: 'KeyA' });
  expect(approve).toHaveBeenCalledTimes(1);
  // Q of a French keyboard is at the place of A.
  fireEvent.keyDown(document.body, { key: 'q', code: 'KeyA' });
  expect(approve).toHaveBeenCalledTimes(1);
});

test('a key acts as soon as the page is shown', async () => {
  const page = document.body.appendChild(document.createElement('div'));
  const root = createRoot(page);
  const shown = new Promise((resolve) => new MutationObserver(resolve).observe(page, { childList: true }));
  // As the router shows a page.
  startTransition(() => root.render(<Screen />));
  await shown;
  fireEvent.keyDown(page, { key: 'a' });
  root.unmount();
  page.remove();
  expect(approve).toHaveBeenCalledTimes(1);
});

test.each(['Text', 'Lines', 'Choice'])('no key acts in the field %s', async (field) => {
  const user = userEvent.setup();
  const view = render(<Screen />);
  view.getByLabelText(field).focus();
  await user.keyboard('aj');
  expect(approve).not.toHaveBeenCalled();
  expect(down).not.toHaveBeenCalled();
});

test.each(['ctrlKey', 'metaKey', 'altKey', 'shiftKey', 'isComposing'])('no key acts with %s', (modifier) => {
  render(<Screen />);
  fireEvent.keyDown(document.body, { key: modifier === 'shiftKey' ? 'A' : 'a', [modifier]: true });
  expect(approve).not.toHaveBeenCalled();
});

test('no key acts behind a dialog or while single keys are disabled', () => {
  const view = render(<Screen />);
  const sheet = document.createElement('div');
  sheet.dataset.backdrop = '';
  document.body.append(sheet);
  fireEvent.keyDown(document.body, { key: 'a' });
  sheet.remove();
  switchSingleKeys(false);
  fireEvent.keyDown(document.body, { key: 'a' });
  expect(approve).not.toHaveBeenCalled();
  switchSingleKeys(true);
  fireEvent.keyDown(view.container, { key: 'a' });
  expect(approve).toHaveBeenCalledOnce();
});

test('a key that is held down acts once, unless it may repeat', () => {
  render(<Screen />);
  for (const repeat of [false, true, true]) {
    fireEvent.keyDown(document.body, { key: 'a', repeat });
    fireEvent.keyDown(document.body, { key: 'j', repeat });
  }
  expect(approve).toHaveBeenCalledTimes(1);
  expect(down).toHaveBeenCalledTimes(3);
});
