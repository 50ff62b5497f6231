import { fromBinary } from '@bufbuild/protobuf';
import { ViolationsSchema } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { expect } from 'vitest';
import { everyMethod, nameOf, pathOf, type RawAnswer } from './every-method.ts';
import type { TestApp } from './harness.ts';

/** The path of a method by its name, such as `PolicyService.CreatePolicy`. */
export const pathByName = (name: string) => {
  const method = everyMethod.find((m) => nameOf(m) === name);
  if (method === undefined) throw new Error(`there is no ${name}`);
  return pathOf(method);
};
/** What a refused caller may be told. */
export const CODES = new Set([
  'invalid_argument',
  'not_found',
  'already_exists',
  'permission_denied',
  'failed_precondition',
  'resource_exhausted',
  'unauthenticated',
  'unimplemented',
]);

/** What every refusal is: a code of the caller's making and words for people. */
export function requireWords(answer: RawAnswer, about = ''): void {
  expect([about, answer.status, CODES.has(answer.code), answer.text.slice(0, 300)]).toEqual([
    about,
    answer.status,
    true,
    answer.text.slice(0, 300),
  ]);
  expect([about, answer.message]).not.toEqual([about, '']);
  expect(answer.message).not.toMatch(
    /\bat .*\.(ts|js):\d|node_modules|\bselect\b|\binsert into\b|relation "|cannot be stored/,
  );
}

/** The fields that an answer's violations name. */
export function fieldsOf(answer: RawAnswer): string[] {
  return answer.details.flatMap((detail) => {
    // Every refusal names its request.
    if (detail.type === 'forest.v1.RequestInfo') return [];
    expect(detail.type).toBe('buf.validate.Violations');
    const { value } = detail as unknown as { value: string };
    return fromBinary(ViolationsSchema, Buffer.from(value, 'base64')).violations.map(({ field }) =>
      (field?.elements ?? [])
        .map(({ fieldName, subscript }) =>
          subscript.case === 'index' ? `${fieldName}[${subscript.value}]` : fieldName,
        )
        .join('.'),
    );
  });
}

/** How many rows each table has. */
export async function rowsOf(app: TestApp): Promise<Record<string, number>> {
  const { pool } = app.context.db;
  const tables = await pool.query(`select tablename as name from pg_tables where schemaname = 'public'`);
  const counts: Record<string, number> = {};
  for (const { name } of tables.rows as { name: string }[]) {
    const found = await pool.query(`select count(*) as n from ${name}`);
    counts[name] = (found.rows as { n: number }[])[0]?.n ?? -1;
  }
  return counts;
}
