// @vitest-environment jsdom
import { expect, test } from 'vitest';
import { opensMenu } from './menu-key.ts';

function press(init: KeyboardEventInit, tag = 'body', onMac = false): boolean {
  const target = document.createElement(tag);
  document.body.append(target);
  let opens = false;
  target.addEventListener('keydown', (event) => {
    opens = opensMenu(event, onMac);
  });
  target.dispatchEvent(new KeyboardEvent('keydown', { key: 'k', ...init }));
  target.remove();
  return opens;
}

test.each([
  ['Ctrl K', { ctrlKey: true }, true],
  ['Cmd K', { metaKey: true }, true],
  ['Ctrl K with Caps Lock', { ctrlKey: true, key: 'K' }, true],
  ['Ctrl K on a Cyrillic layout', { ctrlKey: true, key: 'л', code: 'KeyK' }, true],
  ['Ctrl O on a layout whose K is elsewhere', { ctrlKey: true, key: 'o', code: 'KeyK' }, false],
  ['k alone', {}, false],
  ['Ctrl J', { ctrlKey: true, key: 'j' }, false],
  ['Ctrl Shift K', { ctrlKey: true, shiftKey: true }, false],
  ['Ctrl Alt K', { ctrlKey: true, altKey: true }, false],
  ['Ctrl Cmd K', { ctrlKey: true, metaKey: true }, false],
])('%s', (_, init, opens) => {
  expect(press(init, 'main')).toBe(opens);
});

test('opens in a field too, except by Ctrl K on a Mac', () => {
  expect(press({ ctrlKey: true }, 'textarea')).toBe(true);
  expect(press({ ctrlKey: true }, 'textarea', true)).toBe(false);
  expect(press({ metaKey: true }, 'textarea', true)).toBe(true);
  expect(press({ ctrlKey: true }, 'main', true)).toBe(true);
});
