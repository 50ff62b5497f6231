import type { Transaction } from '#server/db/database.ts';
import { Failure } from '#server/failure.ts';
import { LIMITS } from '#server/limits.ts';
import type { OrganisationScope, ProjectScope } from '#server/wire/scopes.ts';
import * as store from './store.ts';

interface Limit {
  readonly max: number;
  readonly count: store.Count;
  readonly things: string;
  readonly advice: string;
}

const COUNTED = {
  organisation: {
    max: LIMITS.organisationsPerAdmin,
    count: store.countOrganisations,
    things: 'organisations as an admin',
    advice: 'Leave one of them first.',
  },
  project: {
    max: LIMITS.projectsPerOrganisation,
    count: store.countProjects,
    things: 'projects',
    advice: 'Use one of them, or another organisation.',
  },
  environment: {
    max: LIMITS.environmentsPerOrganisation,
    count: store.countEnvironments,
    things: 'environments',
    advice: 'Delete one first.',
  },
  destination: {
    max: LIMITS.destinationsPerEnvironment,
    count: store.countDestinations,
    things: 'destinations',
    advice: 'Delete one first, or use another environment.',
  },
  policy: {
    max: LIMITS.policiesPerProject,
    count: store.countPolicies,
    things: 'policies',
    advice: 'Delete one first.',
  },
  pipeline: {
    max: LIMITS.pipelinesPerProject,
    count: store.countPipelines,
    things: 'pipelines',
    advice: 'Delete one first.',
  },
} satisfies Record<string, Limit>;

/**
 * Checks in the transaction that creates one more thing that its owner has room for it.
 * @param owner whose things are counted, and its name in the message: `Project "checkout"`
 * @throws Failure `resource_exhausted`
 */
export async function requireRoom(
  tx: Transaction,
  what: keyof typeof COUNTED,
  owner: { readonly id: string; readonly name: string },
): Promise<void> {
  await tx.run(store.lockCount, [`${what} ${owner.id}`]);
  await requireFewer(tx, COUNTED[what], owner);
}

/**
 * The same for a release. Requests do not wait for each other, so those that arrive together may exceed the limits by a few.
 * @throws Failure `resource_exhausted`
 */
export async function requireRoomForRelease(tx: Transaction, scope: ProjectScope): Promise<void> {
  const open = { things: 'releases that have not ended', advice: 'Cancel some, or wait until they end.' };
  const ofProject = { ...open, max: LIMITS.openReleasesPerProject, count: store.countOpenReleases };
  await requireFewer(tx, ofProject, projectOwner(scope));
  const ofOrganisation = {
    ...open,
    max: LIMITS.openReleasesPerOrganisation,
    count: store.countOpenReleasesOfOrganisation,
  };
  await requireFewer(tx, ofOrganisation, organisationOwner(scope));
}

async function requireFewer(
  tx: Transaction,
  { max, count, things, advice }: Limit,
  { id, name }: { readonly id: string; readonly name: string },
): Promise<void> {
  const [found] = await tx.run(count, [id, max]);
  if ((found?.count ?? 0) < max) return;
  throw new Failure('resource_exhausted', `${name} has ${max} ${things}, the maximum. ${advice}`);
}

export const projectOwner = ({ projectId, project }: ProjectScope) => ({
  id: projectId,
  name: `Project "${project}"`,
});
export const organisationOwner = ({ organisationId, organisation }: OrganisationScope) => ({
  id: organisationId,
  name: `Organisation "${organisation}"`,
});
