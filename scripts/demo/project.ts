import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import type { Api } from '../api.ts';
import { organisation, unlessExists } from './people.ts';

export const project = { organisation, project: 'checkout' };

/** Five minutes: a visitor sees the release wait, and can wait for it. */
const soakSeconds = 300n;

/** Destinations of type noop; their metadata sets how long they take and whether they fail. */
const destinations: readonly (readonly [
  name: string,
  environment: string,
  metadata: Record<string, string>,
])[] = [
  ['staging-eu', 'staging', {}],
  ['eu-west', 'production', {}],
  ['us-east', 'production', {}],
  // An hour, to show releases that run and that queue.
  ['load-test-rig', 'load-test', { seconds: '3600' }],
];

/** Changes a destination's metadata. */
export async function setMetadata(admin: Api, name: string, metadata: Record<string, string>): Promise<void> {
  await admin.destinations.updateDestination({ organisation, name, metadata });
}

/** Creates the project, environments, destinations and both pipelines where they are missing. */
export async function createProject(admin: Api): Promise<void> {
  await unlessExists(admin.releases.createProject(project));
  await admin.releases.updateProject({
    ...project,
    description: 'The demo project: its artifacts are the commits of Forage itself. Nothing is deployed.',
  });
  const environments = [
    ['staging', 'The first environment of every build'],
    ['production', 'Requires two approvals, a build of main, and soak time in staging'],
    ['load-test', 'One slow destination, to show running and queued releases'],
  ] as const;
  for (const [index, [name, description]] of environments.entries()) {
    const request = { organisation, name, description, sortOrder: (index + 1) * 10 };
    await unlessExists(admin.environments.createEnvironment(request));
  }
  const type = { organisation: 'forage', name: 'noop', version: 1n };
  for (const [name, environment, metadata] of destinations) {
    await unlessExists(
      admin.destinations.createDestination({ organisation, name, environment, metadata, type }),
    );
  }
  await unlessExists(
    admin.pipelines.createReleasePipeline({
      project,
      name: 'to-production',
      stages: [
        { id: 'staging', config: { case: 'deploy', value: { environment: 'staging' } } },
        { id: 'pause', dependsOn: ['staging'], config: { case: 'wait', value: { durationSeconds: 2n } } },
        {
          id: 'production',
          dependsOn: ['pause'],
          config: { case: 'deploy', value: { environment: 'production' } },
        },
      ],
    }),
  );
  await unlessExists(
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

/** Requires two approvals for production. */
export async function requireApprovals(admin: Api): Promise<void> {
  await unlessExists(
    admin.policies.createPolicy({
      project,
      name: 'two-approvals',
      policyType: PolicyType.EXTERNAL_APPROVAL,
      config: { case: 'approval', value: { targetEnvironment: 'production', requiredApprovals: 2 } },
    }),
  );
}

/** Allows only main in production. */
export async function restrictBranches(admin: Api): Promise<void> {
  await unlessExists(
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

/** Requires soak time in staging before production. */
export async function requireSoakTime(admin: Api): Promise<void> {
  const environments = { sourceEnvironment: 'staging', targetEnvironment: 'production' };
  await unlessExists(
    admin.policies.createPolicy({
      project,
      name: 'soak-in-staging',
      policyType: PolicyType.SOAK_TIME,
      config: {
        case: 'soakTime',
        value: { ...environments, durationSeconds: soakSeconds, newerBuildsCount: true },
      },
    }),
  );
}
