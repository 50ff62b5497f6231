import { isTyping } from '#src/lib/shortcuts.ts';

/**
 * Whether a key is Ctrl K or Cmd K without another modifier. It takes nothing from what is typed, so it works in a field
 * too; only there a Mac's own Ctrl K, which deletes to the end of the line, stays what it is.
 */
export function opensMenu(event: KeyboardEvent, onMac: boolean): boolean {
  if (event.key.toLowerCase() !== 'k' || event.altKey || event.shiftKey || event.isComposing) return false;
  if (event.metaKey) return !event.ctrlKey;
  return event.ctrlKey && !(onMac && isTyping(event.target));
}

/** Whether this is a machine of Apple's, whose people know Cmd rather than Ctrl. */
export function isMac(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.userAgent);
}
