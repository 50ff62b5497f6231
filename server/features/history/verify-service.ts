import type { Executor } from '#server/db/database.ts';
import { BEFORE_FIRST, contentHash, contentJson, linkHash } from './chain.ts';
import { contentOfRow } from './entry.ts';
import type { ChainRow } from './rows.ts';
import { allChains, chainCount, chainPortion, type PortionRow } from './store.ts';

/** What a check of one chain found. */
export interface Verdict {
  /** How many entries fit, from the first on. */
  readonly entries: number;
  /** The hash of the last of them; all zeros when there is none. */
  readonly headHash: Buffer;
  /** The first thing that does not fit; null when everything does. */
  readonly fault: Fault | null;
}

export interface Fault {
  /** The number of the entry that does not fit, or is not there; null where it is the whole that does not fit. */
  readonly sequence: number | null;
  readonly words: string;
}

/** The chain of what belongs to no organisation. */
const NO_ORGANISATION = '00000000-0000-0000-0000-000000000000';
const PORTION = 200;
/** Before every number that somebody may have written. */
const FROM_THE_FIRST = Number.MIN_SAFE_INTEGER;

/**
 * Follows a chain from its first entry to its head, while others go on appending to it. Reads portions of 200 entries; each
 * is looked at with the head of the same moment, so an end that is missing is told from one that is just being written.
 * @param chain an organisation's id, or the nil UUID for what belongs to none.
 * @param signal when it aborts, no further portion is read.
 * @throws the signal's reason; what the database throws.
 */
export async function verifyChain(
  executor: Executor,
  chain: string,
  signal: AbortSignal | null = null,
  progress: (entries: number) => void = () => {},
): Promise<Verdict> {
  let last: ChainRow | null = null;
  for (;;) {
    signal?.throwIfAborted();
    const after: number = last?.sequence ?? FROM_THE_FIRST;
    const rows: PortionRow[] = await executor.run(chainPortion, [chain, after, PORTION]);
    for (const row of rows) {
      if (row.id === null) continue;
      const fault = faultOf(last, row);
      if (fault !== null) return verdict(last, fault);
      last = row;
    }
    progress(last?.sequence ?? 0);
    if (rows.length === PORTION) continue;
    const [{ headSequence = null, headHash = null } = {}] = rows;
    const fault = faultOfHead(chain, last, headSequence, headHash) ?? (await faultOfCount(executor, chain));
    return verdict(last, fault);
  }
}

const verdict = (last: ChainRow | null, fault: Fault | null): Verdict => ({
  entries: last?.sequence ?? 0,
  headHash: last?.hash ?? BEFORE_FIRST,
  fault,
});

function faultOf(last: ChainRow | null, row: ChainRow): Fault | null {
  const due = (last?.sequence ?? 0) + 1;
  const fault = (words: string, sequence = row.sequence): Fault => ({ sequence, words });
  if (row.sequence > due) return fault(`entry ${due} is missing`, due);
  if (row.sequence < due) return fault(`there is more than one entry ${row.sequence}`);
  const said = hashOfContent(row);
  if (said === null || !said.equals(row.contentHash)) {
    return fault(`entry ${row.sequence} says something else than when it was appended`);
  }
  if (!row.previousHash.equals(last?.hash ?? BEFORE_FIRST)) {
    return fault(`entry ${row.sequence} does not follow entry ${due - 1}: it names another hash before it`);
  }
  if (!linkHash(row.previousHash, row.sequence, said).equals(row.hash)) {
    return fault(`entry ${row.sequence} has another hash than its content, number and predecessor make`);
  }
  if (last !== null && row.id <= last.id)
    return fault(`entry ${row.sequence} is shown before entry ${due - 1}`);
  return null;
}

/** Null: nothing that Forage writes. */
function hashOfContent(row: ChainRow): Buffer | null {
  try {
    return contentHash(contentJson(contentOfRow(row)));
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function faultOfHead(
  chain: string,
  last: ChainRow | null,
  sequence: number | null,
  hash: Buffer | null,
): Fault | null {
  if (sequence === null || hash === null) {
    // Where nobody without an organisation has signed in yet, there is nothing. An organisation begins with an entry.
    if (last === null && chain === NO_ORGANISATION) return null;
    return { sequence: last === null ? 1 : null, words: 'the head of the chain is missing' };
  }
  const reached = last?.sequence ?? 0;
  if (sequence > reached) {
    return {
      sequence: reached + 1,
      words: `entry ${reached + 1} is missing: the chain went on to entry ${sequence}`,
    };
  }
  if (sequence < reached) {
    return { sequence: sequence + 1, words: `entry ${sequence + 1} stands behind the head of the chain` };
  }
  if (last !== null && !hash.equals(last.hash)) {
    return { sequence, words: `the head of the chain has another hash than entry ${sequence}` };
  }
  return null;
}

async function faultOfCount(executor: Executor, chain: string): Promise<Fault | null> {
  const [counted] = await executor.run(chainCount, [chain]);
  const { entries = 0, headSequence } = counted ?? {};
  if (entries === (headSequence ?? 0)) return null;
  return { sequence: null, words: `there are ${entries} entries, and the chain has ${headSequence ?? 0}` };
}

/** Every chain of the server with the name of its organisation; null for what belongs to none. */
export function chainsOf(executor: Executor): Promise<{ chain: string; organisation: string | null }[]> {
  return executor.run(allChains, []);
}
