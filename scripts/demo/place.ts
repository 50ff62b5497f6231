import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import type { Api } from '../api.ts';
import { organisation, unlessThere } from './people.ts';

export const project = { organisation, project: 'checkout' };

/** How long a build has to stand in staging: long enough to be seen waiting, short enough to be waited for. */
const soakSeconds = 300n;

/** Destinations of the noop type: what they are given decides how long they take and whether they fail. */
const destinations: readonly (readonly [
  name: string,
  environment: string,
  metadata: Record<string, string>,
])[] = [
  ['staging-eu', 'staging', {}],
  ['eu-west', 'production', {}],
  ['us-east', 'production', {}],
  // An hour: here releases are seen running, and queued behind each other.
  ['load-test-rig', 'load-test', { seconds: '3600' }],
];

/** New settings for a destination, as an admin would give it. */
export async function settle(admin: Api, name: string, metadata: Record<string, string>): Promise<void> {
  await admin.destinations.updateDestination({ organisation, name, metadata });
}

/** Project, environments, destinations and both pipelines, where they are missing. */
export async function layOut(admin: Api): Promise<void> {
  await unlessThere(admin.releases.createProject(project));
  await admin.releases.updateProject({
    ...project,
    description:
      'The demo project: its artifacts are the commits of Forage itself, and nothing is really deployed.',
  });
  const environments = [
    ['staging', 'Where every build goes first'],
    ['production', 'Behind the gate: two approvals, from main, after a soak in staging'],
    ['load-test', 'One slow destination, to see releases run and queue'],
  ] as const;
  for (const [index, [name, description]] of environments.entries()) {
    const request = { organisation, name, description, sortOrder: (index + 1) * 10 };
    await unlessThere(admin.environments.createEnvironment(request));
  }
  const type = { organisation: 'forage', name: 'noop', version: 1n };
  for (const [name, environment, metadata] of destinations) {
    await unlessThere(
      admin.destinations.createDestination({ organisation, name, environment, metadata, type }),
    );
  }
  await unlessThere(
    admin.pipelines.createReleasePipeline({
      project,
      name: 'to-production',
      stages: [
        { id: 'staging', config: { case: 'deploy', value: { environment: 'staging' } } },
        { id: 'breathe', dependsOn: ['staging'], config: { case: 'wait', value: { durationSeconds: 2n } } },
        {
          id: 'production',
          dependsOn: ['breathe'],
          config: { case: 'deploy', value: { environment: 'production' } },
        },
      ],
    }),
  );
  await unlessThere(
    admin.pipelines.createReleasePipeline({
      project,
      name: 'planned',
      stages: [
        { id: 'plan', config: { case: 'plan', value: { environment: 'production', autoApprove: false } } },
        { id: 'staging', dependsOn: ['plan'], config: { case: 'deploy', value: { environment: 'staging' } } },
        {
          id: 'overnight',
          dependsOn: ['staging'],
          config: { case: 'wait', value: { durationSeconds: 43_200n } },
        },
        {
          id: 'production',
          dependsOn: ['overnight'],
          config: { case: 'deploy', value: { environment: 'production' } },
        },
      ],
    }),
  );
}

/** Two people have to approve what goes to production. */
export async function askForApprovals(admin: Api): Promise<void> {
  await unlessThere(
    admin.policies.createPolicy({
      project,
      name: 'two-approvals',
      policyType: PolicyType.EXTERNAL_APPROVAL,
      config: { case: 'approval', value: { targetEnvironment: 'production', requiredApprovals: 2 } },
    }),
  );
}

/** Only main goes to production. */
export async function restrictBranches(admin: Api): Promise<void> {
  await unlessThere(
    admin.policies.createPolicy({
      project,
      name: 'main-only',
      policyType: PolicyType.BRANCH_RESTRICTION,
      config: {
        case: 'branchRestriction',
        value: { targetEnvironment: 'production', branchPattern: '^main$' },
      },
    }),
  );
}

/** A build stands in staging for a while before it goes to production. */
export async function askForSoak(admin: Api): Promise<void> {
  const environments = { sourceEnvironment: 'staging', targetEnvironment: 'production' };
  await unlessThere(
    admin.policies.createPolicy({
      project,
      name: 'soak-in-staging',
      policyType: PolicyType.SOAK_TIME,
      config: { case: 'soakTime', value: { ...environments, durationSeconds: soakSeconds } },
    }),
  );
}
