import type { JsonObject, JsonValue } from '@bufbuild/protobuf';

/** One thing that was changed: where it stands, in words, and what it was and is; absent for what was not there. */
export interface Difference {
  readonly path: string;
  readonly before?: string;
  readonly after?: string;
}

/**
 * What is different between a thing before and after, leaf by leaf: plain values first, else in the order of the later
 * state. Items of lists that have an id or a name of their own are compared by it, others by their place; lists of plain
 * values as one.
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

const between = ' › ';

function leavesOf(thing: JsonObject | undefined): Map<string, string> {
  const leaves = new Map<string, string>();
  if (thing) collect(thing, [], leaves);
  return leaves;
}

function collect(value: JsonValue, path: readonly string[], into: Map<string, string>): void {
  if (value === null || value === '') return;
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== 'object' || item === null)) {
      if (value.length > 0) into.set(path.join(between), value.map(plain).join(', '));
      return;
    }
    for (const [index, item] of value.entries()) {
      const key = nameKeyOf(item);
      const name =
        key && typeof item === 'object' && !Array.isArray(item) ? String(item?.[key]) : String(index + 1);
      const own = new Map<string, string>();
      collect(item, [...path, name], own);
      // The name stands in the path already; alone, it says that there is such an item.
      if (key && own.size > 1) own.delete([...path, name, inWords(key)].join(between));
      for (const [leaf, words] of own) into.set(leaf, words);
    }
  } else if (typeof value === 'object') {
    // The database keeps keys by their length. What holds no more in itself comes first: a vote and its comment before all
    // that the voter saw.
    const entries = Object.entries(value);
    const ordered = [
      ...entries.filter(([, item]) => !isNested(item)),
      ...entries.filter(([, item]) => isNested(item)),
    ];
    for (const [key, item] of ordered) collect(item, [...path, inWords(key)], into);
  } else {
    into.set(path.join(between), plain(value));
  }
}

const isNested = (value: JsonValue): boolean => typeof value === 'object' && value !== null;

/** The key by which an item of a list is known; undefined when it has no name of its own. */
function nameKeyOf(item: JsonValue): string | undefined {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return undefined;
  return ['id', 'name', 'policyName'].find((key) => typeof item[key] === 'string' && item[key] !== '');
}

function plain(value: JsonValue): string {
  return value === true ? 'yes' : value === false ? 'no' : String(value);
}

/** `requiredApprovals` and `required_approvals` as "required approvals". */
function inWords(key: string): string {
  return key
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase();
}
