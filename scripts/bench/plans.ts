import type pg from 'pg';
import type { Statement } from '#server/db/database.ts';

/** What PostgreSQL did for a statement. */
export interface Plan {
  readonly name: string;
  readonly milliseconds: number;
  /** The tables that it read as a whole. */
  readonly scanned: readonly string[];
}

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly Node[];
}

const scannedBy = (node: Node): string[] => [
  ...(node['Node Type'] === 'Seq Scan' ? [node['Relation Name'] ?? ''] : []),
  ...(node.Plans ?? []).flatMap(scannedBy),
];

/** Runs a statement that only reads, and returns its plan. */
export async function planOf<Params extends readonly unknown[]>(
  client: pg.Client,
  { name, text }: Statement<Params, unknown>,
  params: Readonly<Params>,
): Promise<Plan> {
  const { rows } = await client.query<{
    'QUERY PLAN': readonly { readonly Plan: Node; readonly 'Execution Time': number }[];
  }>(`explain (analyze, format json) ${text}`, [...params]);
  const found = rows[0]?.['QUERY PLAN'][0];
  if (found === undefined) throw new Error(`PostgreSQL gave no plan for ${name}`);
  return { name, milliseconds: found['Execution Time'], scanned: [...new Set(scannedBy(found.Plan))] };
}
