import { CALLERS } from './access-callers.ts';

/** How the page writes the codes. */
const WORDS: Readonly<Record<string, string>> = {
  ok: 'yes',
  unauthenticated: 'sign in',
  permission_denied: 'no',
  not_found: '–',
  invalid_argument: 'invalid',
  failed_precondition: 'not now',
  already_exists: 'exists',
  unimplemented: 'n/a',
};

/** What one caller was answered: with ids of the first organisation, and with ids of the other one. */
export interface Cell {
  readonly own: string;
  readonly other: string;
}

const word = (code: string): string => WORDS[code] ?? `**${code}**`;
export const cellText = ({ own, other }: Cell): string =>
  own === other ? word(own) : `${word(own)} / ${word(other)}`;

const HEAD = `# Who may call what

Every method of every service, called by everybody over HTTP: \`server/tests/access-table.test.ts\` makes these calls and
fails when an answer is another, or when a method has no row here. What is enforced, and before any handler runs, stands
in \`server/rpc/access-table.ts\`. After a method is added: \`ACCESS_TABLE=write npx vitest run --project server
server/tests/access-table.test.ts\` writes this page anew; read the difference before you commit it.

**yes**: done. **sign in**: \`unauthenticated\`. **no**: \`permission_denied\`. **–**: \`not_found\`, the same as for
what does not exist. **invalid**: \`invalid_argument\`. **not now**: \`failed_precondition\`. **exists**: \`already_exists\`.
**n/a**: \`unimplemented\` (it takes HTTP/2). Two answers, as in *yes / –*: with ids of the first organisation, and with the
same kind of ids of another organisation.

The member, the author (a member who has asked for the releases that the ids name), the admin, the service account and
the removed member belong, or belonged, to the first organisation; *other’s member* and *other’s admin* to the other. The
sessions and the revoked token are the admin's, and so is *token to read*, a personal access token with the scope
\`read\` alone. The service account's token has the scopes \`read\` and \`release\`.
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
