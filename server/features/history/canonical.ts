/** Far more than anything that is recorded has; deeper ones would end whoever follows the chain, instead of being found. */
const DEEPEST = 500;

/**
 * A value as canonical JSON (RFC 8785): no spaces, keys in the order of their UTF-16 code units, nothing escaped that need
 * not be. What `JSON.stringify` leaves out (undefined) is left out.
 * @throws TypeError for what is no JSON, or could come back from the database as something else: NUL, halves of surrogate
 * pairs, objects of classes, and what is nested deeper than 500 times.
 */
export function canonicalJson(value: unknown): string {
  return canonical(value, 0);
}

function canonical(value: unknown, depth: number): string {
  if (depth > DEEPEST) throw new TypeError(`the history holds nothing nested deeper than ${DEEPEST} times`);
  switch (typeof value) {
    case 'boolean':
      return String(value);
    case 'string':
      return text(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`the history holds numbers, not ${value}`);
      // The form that RFC 8785 asks for is JavaScript's; -0 is 0.
      return String(value);
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${value.map((item) => canonical(item, depth + 1)).join(',')}]`;
      return ofObject(value, depth);
    default:
      throw new TypeError(`the history holds JSON, not a ${typeof value}`);
  }
}

function ofObject(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError('the history holds plain objects, not those of classes');
  }
  const members = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${text(key)}:${canonical(item, depth + 1)}`);
  return `{${members.join(',')}}`;
}

function text(value: string): string {
  if (value.includes('\0')) throw new TypeError('the history holds no NUL characters');
  if (!value.isWellFormed()) throw new TypeError('the history holds no halves of characters');
  return JSON.stringify(value);
}
