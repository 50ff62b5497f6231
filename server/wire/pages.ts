import { validate as isUuid } from 'uuid';
import { invalid } from '#server/failure.ts';

const DEFAULT_PAGE = 50;
const MAX_PAGE = 500;

export interface Page {
  readonly limit: number;
  /** Sort keys of the last row of the previous page; null for the first page. */
  readonly after: readonly string[] | null;
}

/** The type of a sort key; keys of forged tokens are validated before they reach the database. */
export type PageKey = 'text' | 'time' | 'uuid' | 'integer' | 'sequence';

const INTEGER = /^-?\d{1,10}$/;
const SEQUENCE = /^\d{1,15}$/;
// As `Date.toISOString` writes it, within the years that PostgreSQL knows.
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const fits: Readonly<Record<PageKey, (value: string) => boolean>> = {
  text: (value) => value.isWellFormed() && !value.includes('\0'),
  time: (value) => TIME.test(value) && !Number.isNaN(Date.parse(value)) && !value.startsWith('0000'),
  uuid: isUuid,
  integer: (value) => INTEGER.test(value) && (Number(value) | 0) === Number(value),
  sequence: (value) => SEQUENCE.test(value),
};

/**
 * Parses the page of a list request. A size of 0 means 50; sizes above 500 mean 500.
 * @param keys types of the list's sort keys, in order
 * @throws Failure invalid_argument for an invalid token
 */
export function pageOf(request: { pageSize: number; pageToken: string }, keys: readonly PageKey[]): Page {
  const limit = request.pageSize <= 0 ? DEFAULT_PAGE : Math.min(request.pageSize, MAX_PAGE);
  if (request.pageToken === '') return { limit, after: null };
  const after = parse(request.pageToken);
  if (after === null || after.length !== keys.length || !keys.every((key, i) => fits[key](after[i] ?? ''))) {
    throw invalid({
      field: 'page_token',
      message: 'is not a token of this list; omit it to start at the first page',
    });
  }
  return { limit, after };
}

function parse(token: string): readonly string[] | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    return Array.isArray(value) && value.every((v) => typeof v === 'string') ? value : null;
  } catch {
    return null;
  }
}

/** Cuts `limit + 1` rows to a page. @param key returns the sort keys of a row as text */
export function nextPageToken<Row>(
  rows: readonly Row[],
  limit: number,
  key: (row: Row) => readonly string[],
): { rows: Row[]; nextPageToken: string } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  if (rows.length <= limit || last === undefined) return { rows: page, nextPageToken: '' };
  return { rows: page, nextPageToken: Buffer.from(JSON.stringify(key(last))).toString('base64url') };
}
