import { paths } from '#src/config/paths.ts';

/** What an organisation has of what its first release needs: counts. */
export interface SetupFacts {
  readonly environments: number;
  readonly destinations: number;
  /** The first project, which the other steps refer to. */
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
  readonly description: string;
  readonly done: boolean;
  /** A release is possible without it. */
  readonly optional: boolean;
  /** The page to do it on; undefined if there is none, or not yet. */
  readonly to: string | undefined;
  readonly action: string;
}

/** The steps to an organisation's first gated release, in order. */
export function setupSteps(organisation: string, facts: SetupFacts): readonly Step[] {
  const { project } = facts;
  const after = (to: (organisation: string, project: string) => string) =>
    project ? to(organisation, project) : undefined;
  return [
    {
      id: 'environments',
      title: 'Environments',
      description: 'Where releases are deployed, in order: staging, production.',
      done: facts.environments > 0,
      optional: false,
      to: paths.environments(organisation),
      action: 'Add environments',
    },
    {
      id: 'destinations',
      title: 'Destinations',
      description:
        'Where each environment deploys: usually a webhook. forage/noop deploys nothing, for a trial.',
      done: facts.destinations > 0,
      optional: false,
      to: paths.environments(organisation),
      action: 'Add destinations',
    },
    {
      id: 'project',
      title: 'Project',
      description: 'What is built and released.',
      done: project !== undefined,
      optional: false,
      to: undefined,
      action: 'Create project',
    },
    {
      id: 'pipeline',
      title: 'Pipeline',
      description:
        'The order of environments, waits and plans. Without one, each release is deployed to one environment.',
      done: facts.pipelines > 0,
      optional: true,
      to: after(paths.pipelines),
      action: 'Create pipeline',
    },
    {
      id: 'policy',
      title: 'Policy',
      description: 'What a deployment requires: approvals, a soak time, a branch.',
      done: facts.policies > 0,
      optional: false,
      to: after(paths.policies),
      action: 'Create policy',
    },
    {
      id: 'members',
      title: 'Members',
      description: 'At least one more person, because authors cannot approve their own releases.',
      done: facts.members > 1,
      optional: false,
      to: paths.members(organisation),
      action: 'Add members',
    },
    {
      id: 'annotate',
      title: 'First build',
      description: `A CI job reports each build to Forage with a service account.${project ? ' Try it in a shell:' : ''}`,
      done: facts.artifacts > 0,
      optional: false,
      to: after(paths.project),
      action: 'See releases',
    },
  ];
}

/** Whether a required step is missing. */
export function needsGuide(steps: readonly Step[]): boolean {
  return steps.some(({ done, optional }) => !done && !optional);
}

/**
 * The command that annotates a build, for a POSIX shell. Names need no escaping: the contract allows letters, digits, dots,
 * dashes and underscores.
 */
export function annotateCommand(server: string, organisation: string, project: string): string {
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
