/** In bytes. */
export const MIB = 1024 * 1024;

/** The longest time that Node's timers can wait, 24 days. A longer one ends at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Days after which the files of builds are removed, unless their organisation sets another time. */
export const FILE_RETENTION_DAYS = 90;
/** The last builds of a project, whose files are kept for longer. */
export const KEPT_BUILDS = 20;

/**
 * How much of each thing there can be, so that no one takes the room of others and lists without pages stay short. What exists above a
 * limit, from before it, keeps working; only new ones are refused, with `resource_exhausted` and what to do.
 */
export const LIMITS = {
  organisationsPerAdmin: 20,
  projectsPerOrganisation: 1_000,
  environmentsPerOrganisation: 200,
  destinationsPerEnvironment: 1_000,
  policiesPerProject: 100,
  pipelinesPerProject: 100,
  openReleasesPerProject: 1_000,
  openReleasesPerOrganisation: 10_000,
  serviceAccountsPerOrganisation: 100,
  joinRulesPerOrganisation: 100,
  tokensPerUser: 100,
  tokensPerServiceAccount: 20,
  commitAddressesPerUser: 20,
  identitiesPerUser: 20,
  openUploadsPerUser: 50,
} as const;
