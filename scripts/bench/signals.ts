import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { type Api, apiAt, signedIn } from '../api.ts';
import { startNats } from '../nats-process.ts';
import { atMost, type Figure } from './figure.ts';
import { withTestbed } from './testbed.ts';

const votes = 250;
const votesPerSecond = 50;
const disabledPolicies = 30;
const password = 'correct horse battery staple';
const organisation = 'bench';

interface Waiting {
  readonly releaseIntentId: string;
  readonly project: { readonly organisation: string; readonly project: string };
}

const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? Number.NaN;

/** Creates waiting releases, spread over `projects` projects; one vote opens each. */
async function makeWaiting(api: Api, projects: number, count: number, required: number): Promise<Waiting[]> {
  const made: Waiting[] = [];
  for (let index = 0; index < count; index++) {
    const project = { organisation, project: `r${required}-${index % projects}` };
    if (index < projects) {
      await api.releases.createProject(project);
      await api.policies.createPolicy({
        project,
        name: 'approvals',
        policyType: PolicyType.EXTERNAL_APPROVAL,
        config: {
          case: 'approval',
          value: { targetEnvironment: 'production', requiredApprovals: required },
        },
      });
    }
    const { artifact } = await api.releases.annotateRelease({
      project,
      context: { title: `Build ${index}` },
      ref: { commitSha: 'ab'.repeat(20), branch: 'main' },
    });
    const { intents } = await api.releases.release({
      artifactId: artifact?.artifactId ?? '',
      environments: ['production'],
    });
    made.push({ project, releaseIntentId: intents[0]?.releaseIntentId ?? '' });
  }
  return made;
}

/**
 * Milliseconds from the acknowledgement of a change that opens a gate until a reader of the database sees the release queued. A vote
 * queues it in its own transaction; a disabled policy wakes a coordinator.
 */
class Watcher {
  readonly #pool: pg.Pool;

  constructor(database: pg.ClientConfig) {
    this.#pool = new pg.Pool({ ...database, max: 10 });
  }

  async queued(releaseIntentId: string, acknowledged: number): Promise<number> {
    for (;;) {
      const { rows } = await this.#pool.query({
        name: 'queued',
        text: 'select 1 from releases where release_intent_id = $1',
        values: [releaseIntentId],
      });
      if (rows.length > 0) return performance.now() - acknowledged;
      await sleep(1);
    }
  }

  end(): Promise<void> {
    return this.#pool.end();
  }
}

async function voteOn(
  waiting: readonly Waiting[],
  reviewers: readonly Api[],
  watcher: Watcher,
): Promise<number[]> {
  const began = performance.now();
  return Promise.all(
    waiting.map(async ({ project, releaseIntentId }, index) => {
      await sleep(Math.max(0, began + (index * 1000) / votesPerSecond - performance.now()));
      await reviewers[index % reviewers.length]?.policies.approveRelease({
        project,
        releaseIntentId,
        targetEnvironment: 'production',
      });
      return watcher.queued(releaseIntentId, performance.now());
    }),
  );
}

/** In sequence: each disabled policy opens the one gate of its project. */
async function disablePolicies(
  waiting: readonly Waiting[],
  admins: readonly Api[],
  watcher: Watcher,
): Promise<number[]> {
  const took: number[] = [];
  for (const [index, { project, releaseIntentId }] of waiting.entries()) {
    await admins[index % admins.length]?.policies.updatePolicy({
      project,
      name: 'approvals',
      enabled: false,
    });
    took.push(await watcher.queued(releaseIntentId, performance.now()));
  }
  return took;
}

/** From the change that opens a gate until the release is queued: two servers, with and without NATS. */
export async function signals(): Promise<Figure[]> {
  const nats = await startNats();
  try {
    return await withTestbed(
      async ({ server, addServer, database }) => {
        await apiAt(server.url).sessions.setUp({
          token: server.setUpToken ?? '',
          organisation,
          username: 'founder',
          email: 'founder@example.com',
          password,
        });
        const second = await addServer();
        const urls = [server.url, second.url];
        const admins = await Promise.all(urls.map((url) => signedIn(url, 'founder', password)));
        const [admin] = admins;
        if (admin === undefined) throw new Error('No admin is signed in');
        await admin.environments.createEnvironment({ organisation, name: 'production', sortOrder: 1 });
        const type = { organisation: 'forage', name: 'noop', version: 1n };
        await admin.destinations.createDestination({
          organisation,
          environment: 'production',
          name: 'eu',
          type,
        });
        const { organisations } = await admin.organisations.listMyOrganisations({});
        const { user } = await admin.users.register({
          username: 'reviewer',
          email: 'reviewer@example.com',
          password,
        });
        await admin.organisations.addMember({
          organisationId: organisations[0]?.organisationId ?? '',
          userId: user?.userId ?? '',
          role: 'member',
        });
        const reviewers = await Promise.all(urls.map((url) => signedIn(url, 'reviewer', password)));
        const votable = await makeWaiting(admin, 10, 2 * votes + 50, 1);
        const behindPolicies = await makeWaiting(
          admin,
          2 * disabledPolicies + 5,
          2 * disabledPolicies + 5,
          2,
        );
        const watcher = new Watcher(database);
        try {
          // Warms up both servers.
          await voteOn(votable.splice(0, 50), reviewers, watcher);
          await disablePolicies(behindPolicies.splice(0, 5), admins, watcher);
          const voted = await voteOn(votable.splice(0, votes), reviewers, watcher);
          const woken = await disablePolicies(behindPolicies.splice(0, disabledPolicies), admins, watcher);
          await nats.stop();
          const votedWithoutNats = await voteOn(votable, reviewers, watcher);
          const wokenWithoutNats = await disablePolicies(behindPolicies, admins, watcher);
          const slowest = Math.max(...votedWithoutNats, ...wokenWithoutNats);
          const rate = `${votesPerSecond} votes/s, two servers, NATS`;
          return [
            atMost(`Last vote acknowledged to QUEUED, p50 (${rate})`, percentile(voted, 0.5), 10, 'ms'),
            atMost(`Last vote acknowledged to QUEUED, p99 (${rate})`, percentile(voted, 0.99), 50, 'ms'),
            atMost('Policy disabled to QUEUED, p50 (NATS)', percentile(woken, 0.5), 10, 'ms'),
            atMost('Policy disabled to QUEUED, p99 (NATS)', percentile(woken, 0.99), 50, 'ms'),
            atMost('The same two with NATS stopped, slowest', slowest, 5_000, 'ms'),
          ];
        } finally {
          await watcher.end();
        }
      },
      { NATS_URL: nats.url },
    );
  } finally {
    await nats.kill();
  }
}
