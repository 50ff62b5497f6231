import { Code } from '@connectrpc/connect';

const NAMES: ReadonlyMap<Code, string> = new Map(
  Object.entries(Code).flatMap(([name, code]) =>
    typeof code === 'number'
      ? [[code, name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase()] as const]
      : [],
  ),
);

/** `invalid_argument`, as Connect writes codes in JSON. */
export const codeName = (code: Code): string => NAMES.get(code) ?? 'unknown';
