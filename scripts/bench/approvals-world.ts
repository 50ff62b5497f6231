import pg from 'pg';
import { statement } from '#server/db/database.ts';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { type Api, apiAt, signedIn } from '../api.ts';

/** The work of one connection: a release that waits for approvals, and a reviewer who votes on it repeatedly. */
export interface Voter {
  readonly releaseIntentId: string;
  readonly token: string;
  readonly userId: string;
  readonly username: string;
}

export interface ApprovalsWorld {
  readonly project: { readonly organisation: string; readonly project: string };
  readonly organisationId: string;
  readonly projectId: string;
  readonly policyId: string;
  readonly voters: readonly Voter[];
}

const password = 'correct horse battery staple';
const project = { organisation: 'bench', project: 'gate' };

const findProject = statement<readonly [name: string], { id: string; organisationId: string }>(
  'bench.project',
  'select id, organisation_id as "organisationId" from projects where name = $1',
);

async function addVoter(
  url: string,
  admin: Api,
  organisationId: string,
  index: number,
): Promise<Omit<Voter, 'releaseIntentId'>> {
  const username = `voter-${index}`;
  const { user, tokens } = await apiAt(url).users.register({
    username,
    email: `${username}@example.com`,
    password,
  });
  const userId = user?.userId ?? '';
  await admin.organisations.addMember({ organisationId, userId, role: 'member' });
  return { userId, username, token: tokens?.accessToken ?? '' };
}

/**
 * Fills an empty server with one release per connection. Their policy requires more approvals than there are voters, so that
 * the gate stays closed and every vote costs the same.
 */
export async function makeWorld(
  url: string,
  setUpToken: string,
  database: pg.ClientConfig,
  connections: number,
): Promise<ApprovalsWorld> {
  const { organisation } = project;
  const founder = { username: 'founder', email: 'founder@example.com', password };
  await apiAt(url).sessions.setUp({ token: setUpToken, organisation, ...founder });
  const admin = await signedIn(url, founder.username, password);
  await admin.releases.createProject(project);
  await admin.environments.createEnvironment({ organisation, name: 'production', sortOrder: 1 });
  await admin.destinations.createDestination({
    organisation,
    environment: 'production',
    name: 'eu-west',
    type: { organisation: 'forage', name: 'noop', version: 1n },
  });
  const { policy } = await admin.policies.createPolicy({
    project,
    name: 'many-approvals',
    policyType: PolicyType.EXTERNAL_APPROVAL,
    config: { case: 'approval', value: { targetEnvironment: 'production', requiredApprovals: 100 } },
  });
  const client = new pg.Client(database);
  await client.connect();
  const { rows } = await client.query<{ id: string; organisationId: string }>(findProject.text, [
    project.project,
  ]);
  await client.end();
  const [{ id: projectId, organisationId } = { id: '', organisationId: '' }] = rows;

  const voters: Voter[] = [];
  for (let index = 0; index < connections; index++) {
    const voter = await addVoter(url, admin, organisationId, index);
    const { artifact } = await admin.releases.annotateRelease({
      project,
      context: { title: `Build ${index}` },
      ref: { commitSha: 'ab'.repeat(20), branch: 'main' },
    });
    const { intents } = await admin.releases.release({
      artifactId: artifact?.artifactId ?? '',
      environments: ['production'],
    });
    voters.push({ ...voter, releaseIntentId: intents[0]?.releaseIntentId ?? '' });
  }
  return { project, organisationId, projectId, policyId: policy?.id ?? '', voters };
}
