import { paths } from '#src/config/paths.ts';

/** What an organisation has of what its first release needs, in any of its projects. */
export interface SetupFacts {
  readonly hasEnvironment: boolean;
  readonly hasDestination: boolean;
  /** The project to go on with. */
  readonly project: string | undefined;
  readonly hasPipeline: boolean;
  readonly hasPolicy: boolean;
  readonly hasColleague: boolean;
  readonly hasBuild: boolean;
}

export type StepId =
  | 'environments'
  | 'destinations'
  | 'project'
  | 'pipeline'
  | 'policy'
  | 'members'
  | 'annotate'
  | 'release';

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
      done: facts.hasEnvironment,
      optional: false,
      to: paths.environments(organisation),
      action: 'Add environments',
    },
    {
      id: 'destinations',
      title: 'Destinations',
      description:
        'Where each environment deploys: usually a webhook. forage/noop deploys nothing, for a trial.',
      done: facts.hasDestination,
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
      done: facts.hasPipeline,
      optional: true,
      to: after(paths.pipelines),
      action: 'Create pipeline',
    },
    {
      id: 'policy',
      title: 'Policy',
      description: 'What a deployment requires: approvals, a soak time, a branch.',
      done: facts.hasPolicy,
      optional: false,
      to: after(paths.policies),
      action: 'Create policy',
    },
    {
      id: 'members',
      title: 'Members',
      description: 'At least one more person, because authors cannot approve their own releases.',
      done: facts.hasColleague,
      optional: false,
      to: paths.members(organisation),
      action: 'Add members',
    },
    {
      id: 'annotate',
      title: 'First build',
      description: `A CI job reports each build to Forage.${project ? ' Try it in a shell, in any folder:' : ''}`,
      done: facts.hasBuild,
      optional: false,
      to: after(paths.project),
      action: 'See releases',
    },
    {
      id: 'release',
      title: 'First release',
      description: 'Open the build and deploy it. This guide goes away once it is live.',
      done: false,
      optional: false,
      to: facts.hasBuild ? after(paths.project) : undefined,
      action: 'Open releases',
    },
  ];
}
