/** A variable that no setting reads, and the setting that it looks like. */
export interface Misspelt {
  readonly name: string;
  readonly meant: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Shorter names are like too many others, such as those of a shell. */
const LONG_ENOUGH = 7;

/**
 * Variables that were probably meant to be a setting: the name of none, but of one with a letter or two too many, missing,
 * wrong or exchanged. `read` is given the environment, and what it looks up are the names of settings.
 */
export function misspeltSettings(env: Environment, read: (env: Environment) => unknown): Misspelt[] {
  const settings = new Set<string>();
  const watched = new Proxy(env, {
    get(target, name) {
      if (typeof name !== 'string') return undefined;
      settings.add(name);
      return target[name];
    },
  });
  read(watched);
  const known = [...settings].filter((name) => name.length >= LONG_ENOUGH);
  return Object.keys(env)
    .filter((name) => !settings.has(name) && env[name] !== '')
    .flatMap((name) => {
      const meant = known.find((setting) => distance(name.toUpperCase(), setting) <= allowed(setting));
      return meant === undefined ? [] : [{ name, meant }];
    });
}

const allowed = (setting: string): number => (setting.length < 10 ? 1 : 2);

/** How many letters have to be put in, left out, changed or exchanged with their neighbour to make one of the other. */
function distance(one: string, other: string): number {
  const rows = [Array.from({ length: other.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    rows.push(current);
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1];
      const exchanged = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      const ways = [
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + (same ? 0 : 1),
      ];
      current.push(Math.min(...ways, exchanged ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY));
    }
  }
  return at(one.length, other.length);
}
