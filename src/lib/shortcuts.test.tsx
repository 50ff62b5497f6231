// @vitest-environment jsdom
import { cleanup, fireEvent, render } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, test, vi } from 'vitest';
import { switchSingleKeys, useShortcuts } from './shortcuts.ts';

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
  cleanup();
  switchSingleKeys(true);
  approve.mockClear();
  down.mockClear();
});

test('a key acts where nobody types: on the page, on a button, on a box', async () => {
  const user = userEvent.setup();
  const view = render(<Screen />);
  await user.keyboard('a');
  view.getByRole('button').focus();
  await user.keyboard('a');
  view.getByLabelText('Box').focus();
  await user.keyboard('a');
  expect(approve).toHaveBeenCalledTimes(3);
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

test('no key acts behind a dialog, nor when single keys are switched off', () => {
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

test('a key that is held down acts once, unless it moves', () => {
  render(<Screen />);
  for (const repeat of [false, true, true]) {
    fireEvent.keyDown(document.body, { key: 'a', repeat });
    fireEvent.keyDown(document.body, { key: 'j', repeat });
  }
  expect(approve).toHaveBeenCalledTimes(1);
  expect(down).toHaveBeenCalledTimes(3);
});
