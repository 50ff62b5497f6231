/**
 * Characters that are invisible but change the text: control characters and what Unicode shows nothing for, such as
 * direction overrides, zero-width spaces and tags. Joiners and variation selectors within emoji and joining scripts are
 * allowed.
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
/** A quick check: most texts are ASCII. */
const UNUSUAL = /[^ -~\n]/;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]|[\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const CONTROL_PICTURES = 0x2400;
const DELETE = 0x7f;

function picture(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  if (point < 0x20) return String.fromCodePoint(CONTROL_PICTURES + point);
  return point === DELETE ? '␡' : `⟨U+${point.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** Replaces hidden characters by `⟨U+202E⟩` or `␛`. Idempotent. */
export const revealHidden = (text: string): string =>
  UNUSUAL.test(text) ? text.replace(HIDDEN, picture) : text;

/** A text for display: hidden characters are revealed and right-to-left text is isolated. Not for copies and forms. */
export function visibleText(text: string): string {
  const shown = revealHidden(text);
  // First strong isolate and its end, which no control character in between can end early.
  return RIGHT_TO_LEFT.test(shown) ? `\u2068${shown}\u2069` : shown;
}
