import { paths } from '#src/config/paths.ts';

/** What stands in an organisation, as far as its first release needs it. */
export interface SetupFacts {
  readonly environments: number;
  readonly destinations: number;
  /** The project that the rest is about: the first one. */
  readonly project: string | undefined;
  readonly pipelines: number;
  readonly policies: number;
  readonly members: number;
  readonly artifacts: number;
}

export type StepId =
  | 'environments'
  | 'destinations'
  | 'project'
  | 'pipeline'
  | 'policy'
  | 'members'
  | 'annotate';

export interface Step {
  readonly id: StepId;
  readonly title: string;
  readonly words: string;
  readonly done: boolean;
  /** A release is possible without it. */
  readonly optional: boolean;
  /** Where it is done; absent when it is not on a page of its own, or cannot be done yet. */
  readonly to: string | undefined;
  readonly action: string;
}

/** The way of an organisation to its first gated release, in order, each step ticked by what stands. */
export function setupSteps(organisation: string, facts: SetupFacts): readonly Step[] {
  const { project } = facts;
  const after = (to: (organisation: string, project: string) => string) =>
    project ? to(organisation, project) : undefined;
  return [
    {
      id: 'environments',
      title: 'Environments',
      words: 'The places that releases go to, in order: staging, production.',
      done: facts.environments > 0,
      optional: false,
      to: paths.environments(organisation),
      action: 'Add environments',
    },
    {
      id: 'destinations',
      title: 'Destinations',
      words: 'What a deployment reaches in each environment: a webhook, or a trial that does nothing.',
      done: facts.destinations > 0,
      optional: false,
      to: paths.environments(organisation),
      action: 'Add destinations',
    },
    {
      id: 'project',
      title: 'Project',
      words: 'What is built and released.',
      done: project !== undefined,
      optional: false,
      to: undefined,
      action: 'Create project',
    },
    {
      id: 'pipeline',
      title: 'Pipeline',
      words:
        'The order of environments, waits and plans. Without one, releases go straight to an environment.',
      done: facts.pipelines > 0,
      optional: true,
      to: after(paths.pipelines),
      action: 'Create pipeline',
    },
    {
      id: 'policy',
      title: 'Policy',
      words: 'What has to be true before a deployment: approvals, a soak time, a branch.',
      done: facts.policies > 0,
      optional: false,
      to: after(paths.policies),
      action: 'Create policy',
    },
    {
      id: 'members',
      title: 'Members',
      words: 'At least one more person: nobody approves their own release.',
      done: facts.members > 1,
      optional: false,
      to: paths.members(organisation),
      action: 'Add members',
    },
    {
      id: 'annotate',
      title: 'First build',
      words:
        'A CI job tells Forage of each build, by a service account. Try it from a shell, with a token of one:',
      done: facts.artifacts > 0,
      optional: false,
      to: after(paths.project),
      action: 'See releases',
    },
  ];
}

/** Whether anything that a gated release needs is missing. */
export function needsGuide(steps: readonly Step[]): boolean {
  return steps.some(({ done, optional }) => !done && !optional);
}

/**
 * The lines that record a build, for a POSIX shell. Names hold no character that JSON or the shell would read otherwise:
 * the contract allows letters, digits, dots, dashes and underscores.
 */
export function annotateLines(server: string, organisation: string, project: string): string {
  return [
    "FORAGE_TOKEN=… # the service account's token",
    `curl -sS --fail-with-body ${server}/forest.v1.ReleaseService/AnnotateRelease \\`,
    '  -H "authorization: Bearer $FORAGE_TOKEN" -H "content-type: application/json" -d \'{',
    `    "project": {"organisation": "${organisation}", "project": "${project}"},`,
    '    "context": {"title": "First build"},',
    '    "ref": {"commitSha": "\'"$(git rev-parse HEAD)"\'", "branch": "main"}',
    "  }'",
  ].join('\n');
}
