import type { ElementType, Key, ReactElement } from 'react';
import * as react from 'react/jsx-runtime';
import { visibleProps } from './visible-props.ts';

export type { JSX } from 'react';
export { Fragment } from 'react';

/** React's own, for elements whose texts are all visible. Named by `jsxImportSource`, never called by hand. */
export const jsx = (type: ElementType, props: unknown, key?: Key): ReactElement =>
  react.jsx(type, visibleProps(type, props), key);

/** The same for elements with several children. */
export const jsxs = (type: ElementType, props: unknown, key?: Key): ReactElement =>
  react.jsxs(type, visibleProps(type, props), key);
