import { isTyping, latinKey } from '#src/lib/shortcuts.ts';

/**
 * Whether a key is Ctrl K or Cmd K without another modifier. Works in fields too, except Ctrl K on a Mac, which deletes to
 * the end of the line there.
 */
export function opensMenu(event: KeyboardEvent, onMac: boolean): boolean {
  if (latinKey(event).toLowerCase() !== 'k') return false;
  if (event.altKey || event.shiftKey || event.isComposing) return false;
  if (event.metaKey) return !event.ctrlKey;
  return event.ctrlKey && !(onMac && isTyping(event.target));
}

/** Whether shortcuts use Cmd rather than Ctrl. */
export function isMac(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.userAgent);
}
