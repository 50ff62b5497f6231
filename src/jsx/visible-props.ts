import { Fragment } from 'react';
import { marked, visibleText } from '#src/lib/visible-text.ts';

/** What people read besides an element's text. */
const READ = ['title', 'aria-label', 'aria-description', 'placeholder', 'alt'] as const;

function shown(value: unknown, show: (text: string) => string): unknown {
  if (typeof value === 'string') return show(value);
  if (!Array.isArray(value)) return value;
  const all = value.map((one) => shown(one, show));
  return all.every((one, n) => one === value[n]) ? value : all;
}

const isProps = (props: unknown): props is Readonly<Record<string, unknown>> =>
  typeof props === 'object' && props !== null;

/**
 * Props of an element as the page is to show them. Every text of the dashboard passes here on its way to the page, so that
 * no screen can forget that names, titles and comments are written by people who may want to be taken for others. Values
 * of form fields are left as they are: they go back to where they came from.
 */
export function visibleProps(type: unknown, props: unknown): unknown {
  if (!isProps(props)) return props;
  // Components hand on what they are given to an element in the end; those of libraries do so without coming here.
  const show = typeof type === 'string' || type === Fragment ? visibleText : marked;
  let visible = props;
  for (const name of ['children', ...READ]) {
    const value = props[name];
    const now = shown(value, show);
    if (now !== value) visible = { ...visible, [name]: now };
  }
  return visible;
}
