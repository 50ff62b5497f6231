import { CALLERS } from './access-callers.ts';

/** Labels of the codes on the page. */
const LABELS: Readonly<Record<string, string>> = {
  ok: 'yes',
  unauthenticated: 'sign in',
  permission_denied: 'no',
  not_found: '–',
  invalid_argument: 'invalid',
  failed_precondition: 'not now',
  already_exists: 'exists',
  unimplemented: 'n/a',
};

/** The answers to one caller: with ids of the first organisation, and with ids of the other one. */
export interface Cell {
  readonly own: string;
  readonly other: string;
}

const labelOf = (code: string): string => LABELS[code] ?? `**${code}**`;
export const cellText = ({ own, other }: Cell): string =>
  own === other ? labelOf(own) : `${labelOf(own)} / ${labelOf(other)}`;

const HEAD = `# Who may call what

\`server/tests/access-table.test.ts\` calls every method as every kind of caller, and fails when an answer differs from this page.
\`server/rpc/access-table.ts\` has the rules, which are enforced before any handler runs. After adding a method, regenerate the
page by \`ACCESS_TABLE=write npx vitest run --project server server/tests/access-table.test.ts\`, and review the difference.

**yes**: done. **sign in**: \`unauthenticated\`. **no**: \`permission_denied\`. **–**: \`not_found\`, as for ids that
do not exist. **invalid**: \`invalid_argument\`. **not now**: \`failed_precondition\`. **exists**: \`already_exists\`.
**n/a**: \`unimplemented\` (requires HTTP/2). Two answers, as in *yes / –*: with ids of the first organisation, and with
ids of the other one.

The member, the author (a member who requested the releases), the admin, the service account and the removed member belong or
belonged to the first organisation; *other’s member* and *other’s admin* belong to the other one. The sessions, the revoked
token and the *read-only token* (scope \`read\`) are the admin's. The service account's token has the scopes \`read\` and
\`release\`.
`;

/** The page: a row for each method, in the order of the contract. */
export function accessPage(rows: ReadonlyMap<string, readonly string[]>): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = [
    line(['method', ...CALLERS]),
    line(['---', ...CALLERS.map(() => '---')]),
    ...[...rows].map(([name, cells]) => line([name, ...cells])),
  ];
  return `${HEAD}\n${table.join('\n')}\n`;
}

/** The rows of a page, by method; empty without a page. */
export function rowsOfPage(page: string): ReadonlyMap<string, readonly string[]> {
  const rows = page.split('\n').filter((line) => /^\| \w+\.\w+ +\|/.test(line));
  return new Map(
    rows.map((row) => {
      const [name = '', ...cells] = row
        .slice(2, -2)
        .split('|')
        .map((cell) => cell.trim());
      return [name, cells];
    }),
  );
}
