import type { ReactNode } from 'react';
import { visibleText } from '#src/lib/visible-text.ts';

/**
 * Text typed by people or received from outside, such as titles, branches, comments and errors of destinations. Characters
 * that are invisible or change the direction are shown as `⟨U+202E⟩`, and right-to-left text is isolated, so that one name
 * cannot pass for another. For attributes, `document.title` and other strings use `visibleText`. Apply either once: a
 * second pass would show the isolates of the first. Components that take a string as a prop apply it to that string.
 */
export function UserText({ children }: { readonly children: string | undefined }) {
  return visibleText(children ?? '');
}

/** For props that take a string or elements: a string is shown as `UserText`. */
export const shownNode = (node: ReactNode): ReactNode =>
  typeof node === 'string' ? visibleText(node) : node;
