import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { DescMethod } from '@bufbuild/protobuf';
import { accessRuleOf } from '#server/rpc/access-table.ts';
import { everyMethod, nameOf } from '../every-method.ts';
import { type Chance, chanceOf } from '../faults/random.ts';
import type { TestApp } from '../harness.ts';
import { CODES } from '../raw-refusals.ts';
import { type Ground, groundOf } from './callers.ts';
import { type Digest, differing, digestOf, settled } from './digest.ts';
import { type Landed, Sender } from './send.ts';
import { type Shot, shotOf } from './shot.ts';
import { everyTextField, nameOfText } from './text-fields.ts';

export interface FuzzPlan {
  readonly seed: number;
  /** How many different requests. */
  readonly requests: number;
  readonly say: (line: string) => void;
}

export interface FuzzReport {
  readonly sent: number;
  /** What was answered how often. */
  readonly answers: ReadonlyMap<string, number>;
  /** Each: what was sent, and why the answer, or what it left behind, is wrong. */
  readonly faults: readonly string[];
  /** Refused requests after which every table was compared, and all. */
  readonly compared: number;
  readonly refused: number;
  /** Growth of the heap after a collection, from the first tenth to the end, in bytes. */
  readonly heapGrowth: number;
  /** Methods that were reached, of all. */
  readonly methods: number;
  /** Places for text that held an odd one in a request that was right but for that, of all. */
  readonly texts: number;
}

const AT_ONCE = 24;
/** What accepted requests have changed or broken is left behind after that many. */
const PER_GROUND = 4_000;
/** Hashing passwords is slow by intent: enough of those reach it among the others. */
const SLOW = /^UsersService\.(Register|Login|ChangePassword)$|^SessionService\.SignIn$/;
const SLOW_SHARE = 0.1;
/** They would end what the callers are known by, for all that follows. */
const ENDINGS =
  /^SessionService\.(SignOut|EndSession)|Logout$|^OrganisationService\.(RemoveMember|LeaveOrganisation|UpdateMemberRole)$/;
const ENDINGS_SHARE = 0.2;
/** The record has who was refused, when a known user was named: that is what these leave behind, by the rules. */
const RECORDED = /^UsersService\.(Login|RefreshToken|ChangePassword)$|^SessionService\.(SignIn|SetUp)$/;
const RECORD: ReadonlySet<string> = new Set(['history', 'history_heads']);
const mayChange = ({ method }: Shot, table: string): boolean =>
  RECORD.has(table) && RECORDED.test(nameOf(method));

/** What must stay inside: places in the code, statements, the database's own words. */
const INSIDES =
  /\bat .*\.(ts|js):\d|node_modules|\bselect\b.*\bfrom\b|\binsert into\b|relation "|cannot be stored|\bundefined\b|\[object/;

const collect = (): (() => void) => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
};

interface Tried {
  readonly shot: Shot;
  readonly answer: Landed;
}

/** Shoots at every method of a running server, and looks at each answer and at what refused requests leave behind. */
export async function runFuzz(app: TestApp, { seed, requests, say }: FuzzPlan): Promise<FuzzReport> {
  const chance = chanceOf(seed, 'requests');
  const gc = collect();
  const sender = new Sender(app.url);
  const answers = new Map<string, number>();
  const reached = new Set<string>();
  const texts = new Set<string>();
  const faults: string[] = [];
  const again: Shot[] = [];
  const pace = { sent: 0, compared: 0, refused: 0 };
  let heapAtFirst = 0;
  let ground: Ground = await groundOf(app);
  let before: Digest = await settled(app);

  const fire = (shots: readonly Shot[]): Promise<Tried[]> =>
    Promise.all(shots.map(async (shot) => ({ shot, answer: await sender.send(shot) })));
  const wrote = ({ shot, answer }: Tried) => answer.code === 'ok' && !shot.reads && !isWait(shot.method);

  /** Whether all tables are as before, once whatever was still under way is over. */
  const unchanged = async (): Promise<{ tables: string[]; now: Digest }> => {
    const now = await digestOf(app);
    const tables = differing(before, now);
    if (tables.length === 0) return { tables, now };
    const rest = await settled(app);
    return { tables: differing(before, rest), now: rest };
  };

  const compare = async (tried: readonly Tried[], isSecond: boolean): Promise<void> => {
    const { tables, now } = await unchanged();
    const judged = tried.filter((one) => !wrote(one));
    before = now;
    if (tables.length === 0) {
      pace.compared += judged.filter(({ answer }) => answer.code !== 'ok').length;
      return;
    }
    if (judged.length < tried.length) {
      if (!isSecond)
        again.push(...judged.filter(({ answer }) => answer.code !== 'ok').map(({ shot }) => shot));
      return;
    }
    // A worker may have had something due just then: whoever leaves rows behind does so again, alone.
    for (const { shot } of judged) {
      before = await settled(app);
      const [once] = await fire([shot]);
      const { tables: left, now: then } = await unchanged();
      before = then;
      if (once !== undefined && !wrote(once) && left.some((table) => !mayChange(shot, table))) {
        faults.push(
          `${shot.about}: answered ${once.answer.code} and changed ${left.join(', ')}\n${bodyOf(shot)}`,
        );
      }
    }
  };

  try {
    for (let n = 0; n < requests; n += AT_ONCE) {
      if (n > 0 && Math.floor(n / PER_GROUND) > Math.floor((n - AT_ONCE) / PER_GROUND)) {
        ground = await groundOf(app);
        before = await settled(app);
      }
      const size = Math.min(AT_ONCE, requests - n);
      const shots = Array.from({ length: size }, (_, i) => {
        const unique = `f${seed}-${n + i}`;
        // On each ground first every place for text, by somebody who is let in.
        const text = everyTextField[(n + i) % PER_GROUND];
        const method = text?.method ?? methodFor(n + i, chance);
        reached.add(nameOf(method));
        if (text !== undefined) {
          texts.add(`${nameOf(text.method)} ${nameOfText(text)}`);
          return shotOf(method, ground.aim, unique, ground.callers[0], chance, text);
        }
        return shotOf(method, ground.aim, unique, chance.pick(ground.callers), chance);
      });
      const tried = await fire(shots);
      pace.sent += tried.length;
      for (const one of tried) {
        const { code } = one.answer;
        answers.set(code, (answers.get(code) ?? 0) + 1);
        if (code !== 'ok') pace.refused += 1;
        const wrong = wrongWith(one);
        if (wrong !== null) faults.push(`${one.shot.about}: ${wrong}\n${bodyOf(one.shot)}`);
      }
      await compare(tried, false);
      while (again.length >= AT_ONCE || (again.length > 0 && n + AT_ONCE >= requests)) {
        await compare(await fire(again.splice(0, AT_ONCE)), true);
      }
      if (heapAtFirst === 0 && n >= requests / 10) {
        gc();
        heapAtFirst = process.memoryUsage().heapUsed;
      }
      if (n % 2_000 < AT_ONCE && n > 0) say(`${n} requests, ${faults.length} faults`);
    }
    gc();
    const heapGrowth = process.memoryUsage().heapUsed - heapAtFirst;
    return { ...pace, answers, faults, heapGrowth, methods: reached.size, texts: texts.size };
  } finally {
    sender.close();
  }
}

const isWait = (method: DescMethod): boolean => method.methodKind === 'server_streaming';

/** Every method in turn, but those less often that are slow or that end what others stand on. */
function methodFor(n: number, chance: Chance): DescMethod {
  const method = everyMethod[n % everyMethod.length];
  if (method === undefined) throw new Error('there is no method');
  const share = SLOW.test(nameOf(method)) ? SLOW_SHARE : ENDINGS.test(nameOf(method)) ? ENDINGS_SHARE : 1;
  return chance.next() < share ? method : methodFor(chance.whole(0, everyMethod.length - 1), chance);
}

const TIMEOUTS = ['connect-timeout-ms', 'grpc-timeout'];

function wrongWith({ shot, answer: { code, words } }: Tried): string | null {
  const timed = TIMEOUTS.some((name) => name in shot.headers);
  const late = timed && code === 'deadline_exceeded';
  const fine = code === 'ok' || CODES.has(code) || late;
  if (!fine) return `answered ${code}: ${words}`;
  if (INSIDES.test(words)) return `the words of ${code} show insides: ${words}`;
  if (code !== 'ok') return words === '' ? `answered ${code} without words` : null;
  const rule = accessRuleOf(shot.method);
  if (rule.need === 'public') return null;
  const as = shot.about;
  if (/ as (nobody|forged):/.test(as)) return 'let in without credentials';
  if (/ as session without CSRF token:/.test(as) && !shot.reads)
    return 'let in to write without a CSRF token';
  if (/ as token to read:/.test(as) && rule.token !== 'read')
    return `let in with a token for "read" to "${rule.token}"`;
  return null;
}

const bodyOf = ({ path, headers, body }: Shot): string => {
  const bytes = Buffer.from(body);
  const text = headers['content-type']?.includes('json') ? bytes.toString() : bytes.toString('base64');
  return `  ${path.slice(0, 600)} ${JSON.stringify(text.slice(0, 600))}`;
};
