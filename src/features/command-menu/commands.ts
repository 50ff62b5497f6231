import { newItemAnchor, paths } from '#src/config/paths.ts';

/** The groups of the menu, in order. */
export const COMMAND_GROUPS = ['Releases', 'Projects', 'Organisations', 'Screens', 'Actions'] as const;
export type CommandGroup = (typeof COMMAND_GROUPS)[number];

export interface Command {
  readonly group: CommandGroup;
  readonly label: string;
  /** Beside the label, such as its project. */
  readonly detail: string;
  readonly to: string;
}

/** The organisation and project of the current address. */
export interface CurrentScope {
  readonly organisation: string | undefined;
  readonly project: string | undefined;
}

export interface KnownProject {
  readonly organisation: string;
  readonly project: string;
}

/** An organisation of the user. */
export interface KnownOrganisation {
  readonly organisation: string;
  readonly isAdmin: boolean;
}

const command = (group: CommandGroup, label: string, detail: string, to: string): Command => ({
  group,
  label,
  detail,
  to,
});

const action = (label: string, detail: string, list: string) =>
  command('Actions', label, detail, `${list}#${newItemAnchor}`);

/** Organisations, screens and actions, those of the current project and organisation first. */
export function fixedCommands(
  organisations: readonly KnownOrganisation[],
  projects: readonly KnownProject[],
  current: CurrentScope,
): readonly Command[] {
  const inOrder = currentFirst(organisations, ({ organisation }) => organisation === current.organisation);
  const inScope = currentFirst(
    projects,
    ({ organisation, project }) => organisation === current.organisation && project === current.project,
  );
  const isAdmin = new Set(inOrder.flatMap((one) => (one.isAdmin ? [one.organisation] : [])));
  return [
    ...inOrder.map(({ organisation }) =>
      command('Organisations', organisation, '', paths.organisation(organisation)),
    ),
    command('Screens', 'Waiting for you', 'Home', paths.home()),
    ...inScope.flatMap(({ organisation, project }) =>
      projectScreens.map(([label, path]) =>
        command('Screens', label, `${organisation} / ${project}`, path(organisation, project)),
      ),
    ),
    ...inOrder.flatMap(({ organisation }) =>
      organisationScreens.map(([label, path]) => command('Screens', label, organisation, path(organisation))),
    ),
    command('Screens', 'Account', 'Profile, password, access tokens', paths.account()),
    ...inScope
      .filter(({ organisation }) => isAdmin.has(organisation))
      .flatMap(({ organisation, project }) =>
        projectActions.map(([label, path]) =>
          action(label, `${organisation} / ${project}`, path(organisation, project)),
        ),
      ),
    ...[...isAdmin].flatMap((organisation) =>
      organisationActions.map(([label, path]) => action(label, organisation, path(organisation))),
    ),
  ];
}

const projectScreens = [
  ['Releases', paths.project],
  ['Policies', paths.policies],
  ['Pipelines', paths.pipelines],
] as const;

const organisationScreens = [
  ['Projects', paths.organisation],
  ['Members', paths.members],
  ['Environments', paths.environments],
  ['History', paths.history],
] as const;

// Each leads to the form, which is on the page of the list.
const projectActions = [
  ['Create policy', paths.policies],
  ['Create pipeline', paths.pipelines],
] as const;

const organisationActions = [
  ['Add member', paths.members],
  ['Create environment', paths.environments],
] as const;

function currentFirst<Item>(items: readonly Item[], isCurrent: (item: Item) => boolean): readonly Item[] {
  return [...items.filter(isCurrent), ...items.filter((item) => !isCurrent(item))];
}

const MAX_PER_GROUP = 8;

/**
 * The commands that contain every word of `text`, ignoring case; those whose label starts with it first, at most 8 of each
 * group. An empty text matches all.
 */
export function matching(commands: readonly Command[], text: string): readonly Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = commands.filter(({ label, detail }) => {
    const whole = `${label} ${detail}`.toLowerCase();
    return words.every((word) => whole.includes(word));
  });
  const startsWithText = ({ label }: Command) =>
    words[0] !== undefined && label.toLowerCase().startsWith(words[0]);
  const ordered = [...found.filter(startsWithText), ...found.filter((one) => !startsWithText(one))];
  return COMMAND_GROUPS.flatMap((group) =>
    distinct(ordered.filter((one) => one.group === group)).slice(0, MAX_PER_GROUP),
  );
}

/** A release that waits is found twice: the first result, which links to its Policy Requirements, is kept. */
function distinct(commands: readonly Command[]): readonly Command[] {
  const page = ({ to }: Command) => to.split('#', 1)[0];
  return commands.filter((one, index) => commands.findIndex((other) => page(other) === page(one)) === index);
}
