import type { JsonObject, JsonValue } from '@bufbuild/protobuf';

/** One changed value: a readable path, and the values before and after; absent where there was none. */
export interface Difference {
  readonly path: string;
  readonly before?: string;
  readonly after?: string;
}

/**
 * The differences between two states of an object, leaf by leaf: plain values first, else in the order of the later state.
 * List items are matched by their id or name, or else by position; lists of plain values are compared as a whole.
 */
export function differences(before: JsonObject | undefined, after: JsonObject | undefined): Difference[] {
  const was = leavesOf(before);
  const is = leavesOf(after);
  const paths = new Set([...is.keys(), ...was.keys()]);
  return [...paths].flatMap((path) => {
    const [old, now] = [was.get(path), is.get(path)];
    if (old === now) return [];
    return [{ path, ...(old !== undefined && { before: old }), ...(now !== undefined && { after: now }) }];
  });
}

const MAX_INLINE = 2;
const MAX_CHARACTERS = 100;

/** A few short changes for the row: `enabled yes → no`; empty for more, which are shown on demand. */
export function changesInline(changes: readonly Difference[]): string {
  if (changes.length > MAX_INLINE) return '';
  const text = changes
    .map(({ path, before = '–', after = '–' }) => `${path.replace(/^config › /, '')} ${before} → ${after}`)
    .join(', ');
  return text.length > MAX_CHARACTERS ? '' : text;
}

const SEPARATOR = ' › ';

function leavesOf(state: JsonObject | undefined): Map<string, string> {
  const leaves = new Map<string, string>();
  if (state) collect(state, [], leaves);
  return leaves;
}

function collect(value: JsonValue, path: readonly string[], into: Map<string, string>): void {
  if (value === null || value === '') return;
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== 'object' || item === null)) {
      if (value.length > 0) into.set(path.join(SEPARATOR), value.map(plain).join(', '));
      return;
    }
    for (const [index, item] of value.entries()) {
      const key = nameKeyOf(item);
      const name =
        key && typeof item === 'object' && !Array.isArray(item) ? String(item?.[key]) : String(index + 1);
      const own = new Map<string, string>();
      collect(item, [...path, name], own);
      // The path contains the name already; an item without other values keeps it.
      if (key && own.size > 1) own.delete([...path, name, readableKey(key)].join(SEPARATOR));
      for (const [leaf, text] of own) into.set(leaf, text);
    }
  } else if (typeof value === 'object') {
    // The database sorts keys by length. Plain values come first: a vote and its comment before the snapshot that the voter saw.
    const entries = Object.entries(value);
    const ordered = [
      ...entries.filter(([, item]) => !isNested(item)),
      ...entries.filter(([, item]) => isNested(item)),
    ];
    for (const [key, item] of ordered) collect(item, [...path, readableKey(key)], into);
  } else {
    into.set(path.join(SEPARATOR), plain(value));
  }
}

const isNested = (value: JsonValue): boolean => typeof value === 'object' && value !== null;

/** The key that identifies a list item; undefined if it has none. */
function nameKeyOf(item: JsonValue): string | undefined {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return undefined;
  return ['id', 'name', 'policyName'].find((key) => typeof item[key] === 'string' && item[key] !== '');
}

function plain(value: JsonValue): string {
  return value === true ? 'yes' : value === false ? 'no' : String(value);
}

/** `requiredApprovals` and `required_approvals` as "required approvals". */
function readableKey(key: string): string {
  return key
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase();
}
