import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { DescMethod } from '@bufbuild/protobuf';
import { accessRuleOf } from '#server/rpc/access-table.ts';
import { everyMethod, nameOf } from '../every-method.ts';
import { type Random, seededRandom } from '../faults/random.ts';
import type { TestApp } from '../harness.ts';
import { CODES, INTERNALS } from '../raw-refusals.ts';
import { type Attempt, attemptOf } from './attempt.ts';
import { makeSender, type Outcome } from './send.ts';
import { differing, digestOf, settled } from './tables.ts';
import { createTarget } from './target.ts';
import { everyTextField, nameOfText } from './text-fields.ts';

export interface FuzzReport {
  readonly sent: number;
  /** Answers by code. */
  readonly answers: ReadonlyMap<string, number>;
  /** Requests whose answer is wrong, or that changed the database although they were refused. */
  readonly faults: readonly string[];
  /** The number of refused requests after which all tables were compared, and of all refused requests. */
  readonly compared: number;
  readonly refused: number;
  /** Growth of the heap between the first tenth of the requests and the end, in bytes, after garbage collections. */
  readonly heapGrowth: number;
  /** The number of methods called, and of text fields that were mutated in an otherwise valid request. */
  readonly methods: number;
  readonly texts: number;
}

const CONCURRENCY = 25;
/** A new organisation is created after this many requests, because accepted ones change it. */
const PER_TARGET = 4_000;
/** How often methods are called that hash passwords, and those that end the callers' credentials or memberships. */
const SHARES: readonly (readonly [methods: RegExp, share: number])[] = [
  [/^UsersService\.(Register|Login|ChangePassword)$|^SessionService\.SignIn$/, 0.1],
  [/^SessionService\.(SignOut|EndSession)|Logout$|\.(RemoveMember|LeaveOrganisation|UpdateMemberRole)$/, 0.2],
];
/** Refusals of these methods are recorded in the history if they name a known user. */
const RECORDED = /^UsersService\.(Login|RefreshToken|ChangePassword)$|^SessionService\.(SignIn|SetUp)$/;
const HISTORY: ReadonlySet<string> = new Set(['history', 'history_heads']);

interface Tried {
  readonly attempt: Attempt;
  readonly answer: Outcome;
}

/** The size of the heap in bytes, after a garbage collection. */
function heapSize(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

/** Sends malformed requests to every method of a running server; checks each answer, and the database after refused requests. */
export async function runFuzz(app: TestApp, seed: number, requests: number): Promise<FuzzReport> {
  const random = seededRandom(seed, 'requests');
  const sender = makeSender(app.url);
  const answers = new Map<string, number>();
  const [methods, texts] = [new Set<string>(), new Set<string>()];
  const faults: string[] = [];
  const counts = { sent: 0, compared: 0, refused: 0 };
  let repeats: Attempt[] = [];
  let heapAtFirst = 0;
  let target = await createTarget(app);
  let before = await settled(app);

  const send = (attempts: readonly Attempt[]): Promise<Tried[]> =>
    Promise.all(attempts.map(async (attempt) => ({ attempt, answer: await sender.send(attempt) })));
  const fault = ({ about, path, body, headers }: Attempt, what: string) => {
    const form = headers['content-type']?.includes('json') ? 'utf8' : 'base64';
    const shown = JSON.stringify(Buffer.from(body).toString(form).slice(0, 600));
    faults.push(`${about}: ${what}\n  ${path.slice(0, 600)} ${shown}`);
  };

  /** The tables that differ from before, after all work has ended. */
  const changedTables = async (): Promise<string[]> => {
    const earlier = before;
    before = await digestOf(app);
    if (differing(earlier, before).length > 0) before = await settled(app);
    return differing(earlier, before);
  };

  const compare = async (tried: readonly Tried[], isRepeated: boolean): Promise<void> => {
    const refused = tried.filter(({ answer }) => answer.code !== 'ok');
    const harmless = tried.filter((one) => !wrote(one));
    if ((await changedTables()).length === 0) counts.compared += refused.length;
    else if (harmless.length < tried.length) {
      // What was accepted may have changed them: the refused ones are sent again without it.
      if (!isRepeated) repeats.push(...refused.map(({ attempt }) => attempt));
    } else {
      // The change may come from a worker: each request is repeated alone.
      for (const { attempt } of harmless) {
        before = await settled(app);
        const [once] = await send([attempt]);
        const changed = await changedTables();
        const mayChange = (table: string) => HISTORY.has(table) && RECORDED.test(nameOf(attempt.method));
        if (once !== undefined && !wrote(once) && !changed.every(mayChange))
          fault(attempt, `answered ${once.answer.code} and changed ${changed.join(', ')}`);
      }
    }
  };

  try {
    for (let n = 0; n < requests; n += CONCURRENCY) {
      if (n > 0 && n % PER_TARGET === 0) {
        target = await createTarget(app);
        before = await settled(app);
      }
      const attempts = Array.from({ length: Math.min(CONCURRENCY, requests - n) }, (_, i) => {
        const unique = `f${seed}-${n + i}`;
        // Begins with every text field, sent by an authorised caller.
        const text = everyTextField[(n + i) % PER_TARGET] ?? null;
        const method = text?.method ?? methodFor(n + i, random);
        methods.add(nameOf(method));
        if (text !== null) texts.add(`${nameOf(method)} ${nameOfText(text)}`);
        const caller = text === null ? random.pick(target.callers) : target.callers[0];
        return attemptOf(method, target.aim, unique, caller, random, text);
      });
      const tried = await send(attempts);
      counts.sent += tried.length;
      for (const one of tried) {
        const { code } = one.answer;
        answers.set(code, (answers.get(code) ?? 0) + 1);
        if (code !== 'ok') counts.refused += 1;
        const wrong = faultOf(one);
        if (wrong !== null) fault(one.attempt, wrong);
      }
      await compare(tried, false);
      if (repeats.length >= CONCURRENCY || n + CONCURRENCY >= requests) {
        const again = repeats;
        repeats = [];
        await compare(await send(again), true);
      }
      if (heapAtFirst === 0 && n >= requests / 10) heapAtFirst = heapSize();
    }
    const heapGrowth = heapSize() - heapAtFirst;
    return { ...counts, answers, faults, heapGrowth, methods: methods.size, texts: texts.size };
  } finally {
    sender.close();
  }
}

/** Whether a request may have changed the database: an accepted one that does not only read. */
const wrote = ({ attempt, answer }: Tried): boolean =>
  answer.code === 'ok' && !attempt.reads && attempt.method.methodKind !== 'server_streaming';

/** Cycles through the methods, with some of them less often. */
function methodFor(n: number, random: Random): DescMethod {
  const method = everyMethod[n % everyMethod.length];
  if (method === undefined) throw new Error('No methods');
  const share = SHARES.find(([methods]) => methods.test(nameOf(method)))?.[1] ?? 1;
  return random.next() < share ? method : methodFor(random.integer(0, everyMethod.length - 1), random);
}

/** What is wrong with an answer; null if nothing is. */
function faultOf({ attempt, answer: { code, message } }: Tried): string | null {
  const { about, method, reads, headers } = attempt;
  // Connect reports a malformed message after the deadline as internal.
  const isLate =
    ('connect-timeout-ms' in headers || 'grpc-timeout' in headers) &&
    (code === 'deadline_exceeded' || (code === 'internal' && /^parse binary|compress/.test(message)));
  if (code !== 'ok' && !CODES.has(code) && !isLate) return `answered ${code}: ${message}`;
  if (INTERNALS.test(message)) return `the message of ${code} reveals internals: ${message}`;
  if (code !== 'ok') return message === '' ? `answered ${code} without a message` : null;
  const rule = accessRuleOf(method);
  if (rule.need === 'public') return null;
  if (/ as (anonymous|forged):/.test(about)) return 'accepted without credentials';
  if (/ as session without CSRF token:/.test(about) && !reads) return 'accepted without a CSRF token';
  if (/ as read-only token:/.test(about) && rule.token !== 'read')
    return `accepted a token for "read" where "${rule.token}" is needed`;
  return null;
}
