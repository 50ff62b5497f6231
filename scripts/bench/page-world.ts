import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { type Api, apiAt, signedIn } from '../api.ts';

export const project = { organisation: 'bench', project: 'shop' };
export const password = 'correct horse battery staple';
/** The signed-in reader and voter. */
export const reader = 'reader';

export interface PageWorld {
  /** A release that waits for two approvals. */
  readonly gated: Gated;
  /** A release with 200 votes. */
  readonly crowded: Gated;
}

interface Gated {
  readonly slug: string;
  readonly releaseIntentId: string;
}

export const releases = 500;
export const decisions = 200;

async function member(url: string, admin: Api, organisationId: string, username: string): Promise<Api> {
  const email = `${username}@example.com`;
  const { user, tokens } = await apiAt(url).users.register({ username, email, password });
  await admin.organisations.addMember({ organisationId, userId: user?.userId ?? '', role: 'member' });
  return apiAt(url, tokens?.accessToken ?? '');
}

/** Runs `work` for 0 to `count` - 1, eight at a time. */
export async function each(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (next < count) await work(next++);
    }),
  );
}

/** Fills an empty server with 500 builds, one of which waits for approval and one of which has 200 decisions. */
export async function makePageWorld(url: string, token: string): Promise<PageWorld> {
  const { organisation } = project;
  const founder = { username: 'founder', email: 'founder@example.com', password };
  await apiAt(url).sessions.setUp({ token, organisation, ...founder });
  const admin = await signedIn(url, founder.username, password);
  const { organisations } = await admin.organisations.listMyOrganisations({});
  const organisationId = organisations[0]?.organisationId ?? '';
  await admin.releases.createProject(project);
  const type = { organisation: 'forage', name: 'noop', version: 1n };
  for (const [index, environment] of ['staging', 'production', 'crowd'].entries()) {
    await admin.environments.createEnvironment({ organisation, name: environment, sortOrder: index + 1 });
    await admin.destinations.createDestination({
      organisation,
      environment,
      name: `${environment}-eu`,
      type,
    });
  }
  for (const [environment, requiredApprovals] of [
    ['production', 2],
    // More than the number of voters, so that the gate stays closed.
    ['crowd', 100],
  ] as const) {
    await admin.policies.createPolicy({
      project,
      name: `approve-${environment}`,
      policyType: PolicyType.EXTERNAL_APPROVAL,
      config: { case: 'approval', value: { targetEnvironment: environment, requiredApprovals } },
    });
  }
  const annotate = async (title: string) => {
    const { artifact } = await admin.releases.annotateRelease({
      project,
      context: { title },
      ref: { commitSha: 'ab'.repeat(20), branch: 'main', version: '1.4.0' },
    });
    return { slug: artifact?.slug ?? '', artifactId: artifact?.artifactId ?? '' };
  };
  const release = async (title: string, environment: string): Promise<Gated> => {
    const { slug, artifactId } = await annotate(title);
    const { intents } = await admin.releases.release({ artifactId, environments: [environment] });
    return { slug, releaseIntentId: intents[0]?.releaseIntentId ?? '' };
  };
  await each(releases - 2, async (index) => {
    const title = `Build ${index} rounds totals half up`;
    await (index % 3 === 0 ? release(title, 'staging') : annotate(title));
  });
  const gated = await release('The waiting build', 'production');
  const crowded = await release('The build with many decisions', 'crowd');
  await member(url, admin, organisationId, reader);
  await each(decisions, async (index) => {
    const voter = await member(url, admin, organisationId, `voter-${index}`);
    const vote = {
      project,
      releaseIntentId: crowded.releaseIntentId,
      targetEnvironment: 'crowd',
      comment: 'Reviewed and tested.',
    };
    await (index % 3 === 0 ? voter.policies.approveRelease(vote) : voter.policies.rejectRelease(vote));
  });
  return { gated, crowded };
}
