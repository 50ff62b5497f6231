import type { Executor } from '#server/db/database.ts';
import { contentHash, contentJson, FIRST_PREVIOUS_HASH, linkHash } from './chain.ts';
import { contentOfRow } from './service.ts';
import { type ChainRow, chainCount, chainPortion, NO_ORGANISATION, type PortionRow } from './store.ts';

export { listChains } from './store.ts';

export interface Verification {
  /** How many entries are valid, from the first one on. */
  readonly entries: number;
  /** The hash of the last of them; zeros when there is none. */
  readonly headHash: Buffer;
  /** The first problem; null when the whole chain is valid. */
  readonly fault: Fault | null;
}

export interface Fault {
  /** The number of the invalid or missing entry; null when the problem concerns the chain as a whole. */
  readonly sequence: number | null;
  readonly message: string;
}

const PORTION = 200;
/** Below every number that an intruder could have written. */
const BEFORE_FIRST = Number.MIN_SAFE_INTEGER;

/**
 * Verifies a chain from its first entry to its head while entries are being appended. Each portion is read with the head of
 * the same snapshot, so a missing end is not confused with one that is being written.
 * @param chain an organisation's id, or the nil UUID for entries without an organisation.
 * @param signal stops before the next portion.
 * @throws the signal's reason; errors of the database.
 */
export async function verifyChain(
  db: Executor,
  chain: string,
  signal: AbortSignal | null = null,
  onProgress: (entries: number) => void = () => {},
): Promise<Verification> {
  let last: ChainRow | null = null;
  const result = (fault: Fault | null): Verification => ({
    entries: last?.sequence ?? 0,
    headHash: last?.hash ?? FIRST_PREVIOUS_HASH,
    fault,
  });
  for (;;) {
    signal?.throwIfAborted();
    const after: number = last?.sequence ?? BEFORE_FIRST;
    const rows: PortionRow[] = await db.run(chainPortion, [chain, after, PORTION]);
    for (const row of rows) {
      if (row.id === null) continue;
      const fault = faultOf(last, row);
      if (fault !== null) return result(fault);
      last = row;
    }
    onProgress(last?.sequence ?? 0);
    if (rows.length === PORTION) continue;
    return result(faultOfHead(chain, last, rows[0]) ?? (await faultOfCount(db, chain)));
  }
}

function faultOf(last: ChainRow | null, row: ChainRow): Fault | null {
  const expected = (last?.sequence ?? 0) + 1;
  const fault = (message: string, sequence = row.sequence): Fault => ({ sequence, message });
  if (row.sequence > expected) return fault(`Entry ${expected} is missing`, expected);
  if (row.sequence < expected) return fault(`There is more than one entry ${row.sequence}`);
  const content = contentHash(contentJson(contentOfRow(row)));
  if (!content.equals(row.contentHash)) return fault(`The content of entry ${row.sequence} was changed`);
  if (!row.previousHash.equals(last?.hash ?? FIRST_PREVIOUS_HASH))
    return fault(`Entry ${row.sequence} does not follow entry ${expected - 1}: its previous hash differs`);
  if (!linkHash(row.previousHash, row.sequence, content).equals(row.hash))
    return fault(`The hash of entry ${row.sequence} does not match its content, number and previous hash`);
  if (last !== null && row.id <= last.id)
    return fault(`Entry ${row.sequence} is listed before entry ${expected - 1}`);
  return null;
}

function faultOfHead(chain: string, last: ChainRow | null, head: PortionRow | undefined): Fault | null {
  const { headSequence: sequence = null, headHash: hash = null } = head ?? {};
  const reached = last?.sequence ?? 0;
  if (sequence === null || hash === null) {
    // Every organisation begins with an entry; the chain without an organisation may be empty.
    if (last === null && chain === NO_ORGANISATION) return null;
    return { sequence: last === null ? 1 : null, message: 'The head of the chain is missing' };
  }
  const missing = reached + 1;
  if (sequence > reached)
    return {
      sequence: missing,
      message: `Entry ${missing} is missing: the head of the chain is entry ${sequence}`,
    };
  if (sequence < reached)
    return { sequence: sequence + 1, message: `Entry ${sequence + 1} is after the head of the chain` };
  if (last !== null && !hash.equals(last.hash))
    return { sequence, message: `The head of the chain has a different hash from entry ${sequence}` };
  return null;
}

async function faultOfCount(db: Executor, chain: string): Promise<Fault | null> {
  const [{ entries = 0, headSequence = 0 } = {}] = await db.run(chainCount, [chain]);
  if (entries === (headSequence ?? 0)) return null;
  return { sequence: null, message: `There are ${entries} entries, but the chain has ${headSequence ?? 0}` };
}
