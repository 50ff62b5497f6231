import { type Random, seededRandom } from './random.ts';

/** An action of a user. Random numbers from 0 to 1 choose among the options that exist when it runs. */
export type Action =
  | { readonly is: 'release'; readonly drawn: number; readonly project: number; readonly branch: string }
  | { readonly is: 'approve' | 'reject' | 'bypass'; readonly which: number; readonly environment: number }
  | { readonly is: 'cancel' | 'decide plan' | 'read'; readonly which: number; readonly yes: boolean }
  // Releases an earlier build again.
  | { readonly is: 'return'; readonly drawn: number; readonly project: number; readonly which: number }
  | { readonly is: 'withdraw'; readonly which: number; readonly environment: number }
  | { readonly is: 'retry' | 'plan again'; readonly which: number; readonly environment: number }
  | { readonly is: 'end hold'; readonly project: number; readonly environment: number }
  | { readonly is: 'settle' | 'free'; readonly project: number; readonly which: number }
  | { readonly is: 'require'; readonly project: number; readonly approvals: number }
  // Requires one approval, then three again while deliveries start.
  | { readonly is: 'lower briefly'; readonly project: number; readonly pause: number }
  | { readonly is: 'switch'; readonly project: number; readonly which: number; readonly on: boolean }
  | { readonly is: 'create policy'; readonly project: number; readonly drawn: number }
  | { readonly is: 'delete policy'; readonly project: number; readonly which: number }
  | { readonly is: 'membership'; readonly which: number; readonly drawn: number };

/** An action, whether to repeat it, and the pause before it in milliseconds. */
export interface PlannedAction {
  readonly action: Action;
  readonly repeat: boolean;
  readonly pause: number;
}

type Kind = Action['is'];
const MEMBERS: readonly (readonly [Kind, number])[] = [
  ['release', 16],
  ['approve', 50],
  ['reject', 12],
  ['cancel', 3],
  ['decide plan', 5],
  ['read', 10],
  ['return', 6],
  ['withdraw', 2],
  ['retry', 6],
  ['plan again', 4],
  ['end hold', 2],
  // Always refused: members may not bypass.
  ['bypass', 2],
];
const ADMINS: readonly (readonly [Kind, number])[] = [
  ['release', 10],
  ['approve', 26],
  ['reject', 8],
  ['bypass', 8],
  ['cancel', 8],
  ['decide plan', 5],
  ['return', 14],
  ['withdraw', 2],
  ['retry', 18],
  ['plan again', 4],
  ['end hold', 5],
  ['settle', 5],
  ['free', 6],
  ['require', 9],
  ['lower briefly', 7],
  ['switch', 10],
  ['create policy', 5],
  ['delete policy', 4],
  ['membership', 12],
];

function drawKind(random: Random, weights: readonly (readonly [Kind, number])[]): Kind {
  let left = random.next() * weights.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [kind, weight] of weights) {
    left -= weight;
    if (left < 0) return kind;
  }
  return 'read';
}

function drawAction(random: Random, is: Kind): Action {
  const project = random.integer(0, 2);
  // Prefers newer releases, which are more likely to be open.
  const which = random.next() ** 2;
  switch (is) {
    case 'release':
      return {
        is,
        drawn: random.next(),
        project,
        branch: random.pick(['main', 'main', 'main', 'release/1', 'dev']),
      };
    case 'return':
      return { is, drawn: random.next(), project, which: random.next() };
    case 'end hold':
      return { is, project, environment: random.next() };
    case 'settle':
    case 'free':
      return { is, project, which: random.next() };
    case 'approve':
    case 'reject':
    case 'bypass':
    case 'withdraw':
    case 'retry':
    case 'plan again':
      return { is, which, environment: random.next() };
    case 'cancel':
    case 'decide plan':
    case 'read':
      return { is, which, yes: random.next() < 0.8 };
    case 'require':
      return { is, project, approvals: random.integer(1, 3) };
    case 'lower briefly':
      return { is, project, pause: random.integer(0, 40) };
    case 'switch':
      return { is, project, which: random.next(), on: random.next() < 0.7 };
    case 'create policy':
      return { is, project, drawn: random.next() };
    case 'delete policy':
      return { is, project, which: random.next() };
    case 'membership':
      return { is, which: random.next(), drawn: random.next() };
  }
}

/** The endless plan of one user. */
export function* plannedActions(seed: number, user: string, isAdmin: boolean): Generator<PlannedAction> {
  const random = seededRandom(seed, `user ${user}`);
  for (;;) {
    const action = drawAction(random, drawKind(random, isAdmin ? ADMINS : MEMBERS));
    yield { action, repeat: random.next() < 0.08, pause: random.integer(20, 250) };
  }
}

export const FAULTS = {
  servers: ['kill -9 of a server', 'pause of a server', 'restart of a server'],
  engines: ['kill -9 of PostgreSQL', 'stop of NATS'],
  receiver: ['hangs', 'repeats', 'misreports'],
  disk: ['full disk'],
} as const;
export type FaultKind = (typeof FAULTS)[keyof typeof FAULTS][number];

export interface PlannedFault {
  readonly kind: FaultKind;
  /** The pause before it and its duration, in milliseconds. */
  readonly delay: number;
  readonly duration: number;
  /** Chooses the server. */
  readonly which: number;
}

const DURATION: Record<FaultKind, readonly [number, number]> = {
  'kill -9 of a server': [0, 1_500],
  // Longer than leases and lock timeouts.
  'pause of a server': [7_000, 8_000],
  'restart of a server': [0, 500],
  'kill -9 of PostgreSQL': [0, 2_500],
  'stop of NATS': [500, 4_000],
  'full disk': [500, 2_500],
  hangs: [1_000, 3_500],
  repeats: [1_500, 4_000],
  misreports: [1_500, 4_000],
};

/** The endless plan of one group of faults: each kind once per round, in random order. */
export function* faults(seed: number, group: string, kinds: readonly FaultKind[]): Generator<PlannedFault> {
  // Longer pauses in PostgreSQL's group, because while it is stopped no other fault has an effect.
  const maxDelay = kinds.some((kind) => kind === 'kill -9 of PostgreSQL') ? 4_000 : 1_500;
  const random = seededRandom(seed, `faults ${group}`);
  for (;;) {
    for (const kind of random.shuffled(kinds)) {
      yield {
        kind,
        delay: random.integer(300, maxDelay),
        duration: random.integer(...DURATION[kind]),
        which: random.next(),
      };
    }
  }
}
