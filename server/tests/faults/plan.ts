import { type Chance, chanceOf } from './random.ts';

/** What a user means to do. Numbers from 0 up to 1 choose among whatever there is when it comes to that. */
export type Deed =
  | { readonly is: 'release'; readonly way: number; readonly project: number; readonly branch: string }
  | { readonly is: 'approve' | 'reject' | 'bypass'; readonly which: number; readonly environment: number }
  | { readonly is: 'cancel' | 'judge plan' | 'look'; readonly which: number; readonly yes: boolean }
  | { readonly is: 'require'; readonly project: number; readonly approvals: number }
  // Lets everything with one approval pass, and closes again while its deliveries start.
  | { readonly is: 'flicker'; readonly project: number; readonly pause: number }
  | { readonly is: 'switch'; readonly project: number; readonly which: number; readonly on: boolean }
  | { readonly is: 'create policy'; readonly project: number; readonly kind: number }
  | { readonly is: 'delete policy'; readonly project: number; readonly which: number }
  | { readonly is: 'membership'; readonly whose: number; readonly drawn: number };

/** With whether to say the same once more, and how long to think before, in milliseconds. */
export interface Intention {
  readonly deed: Deed;
  readonly again: boolean;
  readonly pause: number;
}

type Kind = Deed['is'];
const MEMBERS: readonly (readonly [Kind, number])[] = [
  ['release', 16],
  ['approve', 50],
  ['reject', 12],
  ['cancel', 3],
  ['judge plan', 5],
  ['look', 10],
  // Refused, every time: the rights are the server's to know.
  ['bypass', 2],
];
const ADMINS: readonly (readonly [Kind, number])[] = [
  ['release', 10],
  ['approve', 26],
  ['reject', 8],
  ['bypass', 8],
  ['cancel', 8],
  ['judge plan', 5],
  ['require', 9],
  ['flicker', 7],
  ['switch', 10],
  ['create policy', 5],
  ['delete policy', 4],
  ['membership', 12],
];

function drawKind(chance: Chance, weights: readonly (readonly [Kind, number])[]): Kind {
  let left = chance.next() * weights.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [kind, weight] of weights) {
    left -= weight;
    if (left < 0) return kind;
  }
  return 'look';
}

function drawDeed(chance: Chance, is: Kind): Deed {
  const project = chance.whole(0, 1);
  // Newer ones rather than older ones: those are where something is still open.
  const which = chance.next() ** 2;
  switch (is) {
    case 'release':
      return {
        is,
        way: chance.next(),
        project,
        branch: chance.pick(['main', 'main', 'main', 'release/1', 'dev']),
      };
    case 'approve':
    case 'reject':
    case 'bypass':
      return { is, which, environment: chance.next() };
    case 'cancel':
    case 'judge plan':
    case 'look':
      return { is, which, yes: chance.next() < 0.8 };
    case 'require':
      return { is, project, approvals: chance.whole(1, 3) };
    case 'flicker':
      return { is, project, pause: chance.whole(0, 40) };
    case 'switch':
      return { is, project, which: chance.next(), on: chance.next() < 0.7 };
    case 'create policy':
      return { is, project, kind: chance.next() };
    case 'delete policy':
      return { is, project, which: chance.next() };
    case 'membership':
      return { is, whose: chance.next(), drawn: chance.next() };
  }
}

/** The endless plan of one user: what they will want, in order. */
export function* intentions(seed: number, user: string, isAdmin: boolean): Generator<Intention> {
  const chance = chanceOf(seed, `user ${user}`);
  for (;;) {
    const deed = drawDeed(chance, drawKind(chance, isAdmin ? ADMINS : MEMBERS));
    yield { deed, again: chance.next() < 0.08, pause: chance.whole(20, 250) };
  }
}

export const FAULTS = {
  servers: ['kill -9 of a server', 'pause of a server', 'restart of a server'],
  engines: ['kill -9 of PostgreSQL', 'stop of NATS'],
  receiver: ['hangs', 'doubles', 'lies'],
  disk: ['full disk'],
} as const;
export type FaultKind = (typeof FAULTS)[keyof typeof FAULTS][number];

export interface PlannedFault {
  readonly kind: FaultKind;
  /** Milliseconds of quiet before it, and how long it lasts. */
  readonly after: number;
  readonly lasts: number;
  /** Chooses the server. */
  readonly which: number;
}

const LASTS: Record<FaultKind, readonly [number, number]> = {
  'kill -9 of a server': [0, 1_500],
  // Longer than any lease or lock of its own.
  'pause of a server': [7_000, 8_000],
  'restart of a server': [0, 500],
  'kill -9 of PostgreSQL': [0, 2_500],
  'stop of NATS': [500, 4_000],
  'full disk': [500, 2_500],
  hangs: [1_000, 3_500],
  doubles: [1_500, 4_000],
  lies: [1_500, 4_000],
};

/** The endless plan of one lane: every one of its kinds, in another order each round. */
export function* faults(seed: number, lane: string, kinds: readonly FaultKind[]): Generator<PlannedFault> {
  // Without PostgreSQL nothing else can go wrong: it gets some rest.
  const longestQuiet = kinds.some((kind) => kind === 'kill -9 of PostgreSQL') ? 4_000 : 1_500;
  const chance = chanceOf(seed, `faults ${lane}`);
  for (;;) {
    for (const kind of chance.shuffled(kinds)) {
      yield {
        kind,
        after: chance.whole(300, longestQuiet),
        lasts: chance.whole(...LASTS[kind]),
        which: chance.next(),
      };
    }
  }
}
