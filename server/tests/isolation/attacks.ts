import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { ArtifactService } from '#server/gen/forest/v1/artifacts_pb.ts';
import { HistoryFormat, PolicyService, PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { actingBy } from '../world.ts';
import { type Clients, clientsFrom, manyAddresses } from './clients.ts';

/** What the attacking organisation has; `run.ts` makes it. */
export interface Attacker {
  readonly url: string;
  readonly organisation: string;
  readonly project: { readonly organisation: string; readonly project: string };
  /** Tokens of its users, the first one an admin's. */
  readonly tokens: readonly string[];
  /** A release with a long log. */
  readonly loudReleaseId: string;
  /** The address of the receiver that never answers. */
  readonly hangingPort: number;
}

/** The environments of the attacking organisation. */
export const ENVIRONMENTS = { wide: 'wide', hanging: 'hanging', policed: 'policed' } as const;

type Attack = (attacker: Attacker, clients: Clients, signal: AbortSignal) => Promise<void>;

const REFUSED_PAUSE_MS = 100;

/** Repeats what a client does, some at once, until the attack ends. Refusals are what the attacker expects. */
async function repeat(atOnce: number, signal: AbortSignal, work: (n: number) => Promise<unknown>) {
  let n = 0;
  const one = async () => {
    while (!signal.aborted) {
      const began = performance.now();
      await work(n++).catch(() => {});
      // A refusal comes at once; an attacker who floods is limited by the rate limit, which is another test.
      if (performance.now() - began < REFUSED_PAUSE_MS) await sleep(REFUSED_PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

const admin = ({ tokens: [token = ''] }: Attacker, clients: Clients) => actingBy(clients, token);

async function newArtifact(attacker: Attacker, clients: Clients): Promise<string> {
  const { artifact } = await admin(attacker, clients).releases.annotateRelease({
    project: attacker.project,
    context: { title: 'Attack' },
    ref: { commitSha: 'a'.repeat(40), branch: 'main' },
  });
  return artifact?.artifactId ?? '';
}

const releaseTo =
  (environment: string, prepareOnly = false): Attack =>
  (attacker, clients, signal) =>
    repeat(1, signal, async () => {
      const by = admin(attacker, clients);
      const artifactId = await newArtifact(attacker, clients);
      const { intents } = await by.releases.release({ artifactId, environments: [environment], prepareOnly });
      await sleep(5_000, null, { signal }).catch(() => {});
      const releaseIntentId = intents[0]?.releaseIntentId ?? '';
      await by.releases.cancelRelease({ releaseIntentId });
    });

/** From the most expensive to patterns that any limit allows. */
const PATTERNS = [1_000, 500, 200, 100, 50, 20, 10].map(
  (n) => (salt: string) => `(.?){${n}}(a?){${n}}${salt}`,
);

const patterns: Attack = async (attacker, clients, signal) => {
  const by = admin(attacker, clients);
  let size = 0;
  for (let n = 0; n < 100 && !signal.aborted; ) {
    const pattern = PATTERNS[size]?.(`x{0,${n + 1}}`);
    if (pattern === undefined) break;
    const config = {
      case: 'branchRestriction',
      value: { targetEnvironment: ENVIRONMENTS.policed, branchPattern: pattern },
    } as const;
    const policyType = PolicyType.BRANCH_RESTRICTION;
    const name = `clumsy-${Date.now()}-${n}`;
    await by.policies.createPolicy({ project: attacker.project, name, policyType, config }).then(
      () => n++,
      () => size++,
    );
  }
  await repeat(8, signal, async (n) => {
    const branch = `${'a'.repeat(200)}${n}`;
    await by.policies.evaluatePolicies({
      project: attacker.project,
      targetEnvironment: ENVIRONMENTS.policed,
      branch,
    });
  });
};

/** A megabyte that does not compress. */
const CONTENT = randomBytes(750_000).toString('base64');

const uploads: Attack = (attacker, clients, signal) =>
  repeat(4, signal, async (n) => {
    const token = attacker.tokens[n % attacker.tokens.length] ?? '';
    const files = clients.client(ArtifactService, { token });
    const { uploadId } = await files.beginUploadArtifact({});
    const messages = async function* () {
      for (let file = 0; file < 8; file++)
        yield { uploadId, fileName: `${file}`, category: 'spec', fileContent: CONTENT };
    };
    await files.uploadArtifact(messages());
    const { artifactId } = await files.commitArtifact({ uploadId });
    await actingBy(clients, token).releases.annotateRelease({
      artifactId,
      project: attacker.project,
      context: { title: 'Files' },
      ref: { commitSha: 'a'.repeat(40) },
    });
  });

const signIns: Attack = (_attacker, clients, signal) => {
  const sessions = clients.client(SessionService, {});
  const users = clients.client(UsersService, {});
  return repeat(64, signal, async (n) => {
    if (n % 4 > 0) return sessions.signIn({ identifier: `nobody-${n}`, password: 'wrong horse battery' });
    const username = `stranger-${process.pid}-${n}`;
    return users.register({
      username,
      email: `${username}@example.com`,
      password: 'correct horse battery staple',
    });
  });
};

/** As many as are allowed, over connections that are not read beyond the first message. */
const unread: Attack = (attacker, _clients, signal) =>
  repeat(240, signal, async (n) => {
    const token = attacker.tokens[n % attacker.tokens.length] ?? '';
    const transport = createGrpcTransport({
      baseUrl: attacker.url,
      interceptors: [
        (next) => (request) => {
          request.header.set('authorization', `Bearer ${token}`);
          request.header.set('x-forwarded-for', manyAddresses());
          return next(request);
        },
      ],
    });
    const messages =
      n % 5 === 0
        ? createClient(PolicyService, transport).exportHistory(
            { organisation: attacker.organisation, format: HistoryFormat.CSV },
            { signal },
          )
        : createClient(ReleaseService, transport).waitRelease(
            { releaseIntentId: attacker.loudReleaseId },
            { signal },
          );
    // A stream that is refused is asked for again after a second: how many connections are opened is not what is attacked here.
    const first = messages[Symbol.asyncIterator]().next();
    const isOpen = await first.then(
      () => true,
      () => false,
    );
    await sleep(isOpen ? 20_000 : 1_000, null, { signal });
  });

export const ATTACKS = {
  'clumsy branch patterns': patterns,
  'hanging receivers': releaseTo(ENVIRONMENTS.hanging),
  'one wide release': releaseTo(ENVIRONMENTS.wide),
  'plans for everything': releaseTo(ENVIRONMENTS.wide, true),
  uploads,
  'wrong sign-ins and registrations': signIns,
  'unread streams and exports': unread,
} satisfies Record<string, Attack>;

export type AttackName = keyof typeof ATTACKS;

/** Runs attacks at once, from many addresses, until the signal aborts. */
export async function attack(
  attacker: Attacker,
  names: readonly AttackName[],
  signal: AbortSignal,
): Promise<void> {
  const clients = clientsFrom(attacker.url, manyAddresses);
  await Promise.all(names.map((name) => ATTACKS[name](attacker, clients, signal)));
}

/** A receiver of webhooks that accepts connections and never answers. Returns its port. */
export async function startHangingReceiver(): Promise<number> {
  const server = createServer((request) => void request.resume());
  server.requestTimeout = 0;
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}
