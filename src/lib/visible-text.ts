/**
 * Characters that are not seen but change what is: controls (terminals' escapes, halves of line ends), and what Unicode
 * gives no look of its own, such as overrides of the direction, spaces of no width, and tags. Joiners and variations that
 * belong to what stands before them, as in emoji and in scripts that join, are no part of it.
 */
const HIDDEN = new RegExp(
  [
    String.raw`(?![\t\n\r])\p{Cc}|\r(?!\n)|[\p{Zl}\p{Zp}\ufff9-\ufffb]`,
    String.raw`(?<![^\p{ASCII}\p{Script=Latin}])(?:\u200c|\u200d|[\ufe00-\ufe0f])`,
    String.raw`(?:\u200c|\u200d)(?![^\p{ASCII}\p{Script=Latin}])`,
    String.raw`(?!\u200c|\u200d|[\ufe00-\ufe0f])\p{Default_Ignorable_Code_Point}`,
  ].join('|'),
  'gu',
);
/** Anything but what is printed on a keyboard: most texts are done with this. */
const UNUSUAL = /[^ -~\n]/;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]|[\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const CONTROL_PICTURES = 0x2400;
const DELETE = 0x7f;

function picture(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  if (point < 0x20) return String.fromCodePoint(CONTROL_PICTURES + point);
  return point === DELETE ? '␡' : `⟨U+${point.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** A text in which nothing hides: what is not seen stands there as `⟨U+202E⟩` or `␛`. Marked again it stays the same. */
export const marked = (text: string): string => (UNUSUAL.test(text) ? text.replace(HIDDEN, picture) : text);

/**
 * A text as it is shown: what could make it look like another text is visible, and text that runs from right to left keeps
 * its direction to itself. Everything else stays as it is. Copies and forms hold the text as it came.
 */
export function visibleText(text: string): string {
  const shown = marked(text);
  // First strong isolate, and its end: nothing in between can end it, now that controls are pictures.
  return RIGHT_TO_LEFT.test(shown) ? `\u2068${shown}\u2069` : shown;
}
