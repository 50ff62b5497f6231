import { fromBinary } from '@bufbuild/protobuf';
import { ViolationsSchema } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { expect } from 'vitest';
import { everyMethod, nameOf, pathOf, type RawAnswer } from './every-method.ts';
import type { TestApp } from './harness.ts';

/** The path of a method by its name, such as `PolicyService.CreatePolicy`. */
export const pathByName = (name: string) => {
  const method = everyMethod.find((m) => nameOf(m) === name);
  if (method === undefined) throw new Error(`Unknown method ${name}`);
  return pathOf(method);
};
/** Codes for errors of the caller. */
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

/** Internals that no answer may contain: stack traces, SQL, messages of the database. */
export const INTERNALS =
  /\bat .*\.(ts|js):\d|node_modules|\bselect\b.*\bfrom\b|\binsert into\b|relation "|cannot store a value|\bundefined\b|\[object/;

/** Asserts that a refusal has a code for an error of the caller, and a message without internals. */
export function requireRefusal(answer: RawAnswer, about = ''): void {
  expect([...CODES], `${about}: ${answer.text.slice(0, 300)}`).toContain(answer.code);
  expect([about, answer.message]).not.toEqual([about, '']);
  expect(answer.message).not.toMatch(INTERNALS);
}

/** The fields in an answer's violations. */
export function fieldsOf(answer: RawAnswer): string[] {
  return answer.details.flatMap((detail) => {
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

/** The number of rows of each table. */
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
