import { paths } from '#src/config/paths.ts';

/** A place to go to. */
export interface Command {
  readonly group: 'Screens' | 'Projects' | 'Releases';
  readonly label: string;
  /** Where it belongs, beside the label. */
  readonly detail: string;
  readonly to: string;
}

/** Where somebody is: the organisation and project of the address. */
export interface Place {
  readonly organisation: string | undefined;
  readonly project: string | undefined;
}

/** The screens: those of the project and organisation at hand first, then the others'. */
export function screenCommands(
  organisations: readonly string[],
  { organisation, project }: Place,
): readonly Command[] {
  const screen = (label: string, detail: string, to: string): Command => ({
    group: 'Screens',
    label,
    detail,
    to,
  });
  const own =
    organisation && project
      ? [
          screen('Releases', `${organisation} / ${project}`, paths.project(organisation, project)),
          screen('Policies', `${organisation} / ${project}`, paths.policies(organisation, project)),
          screen('Pipelines', `${organisation} / ${project}`, paths.pipelines(organisation, project)),
        ]
      : [];
  const here = organisations.filter((name) => name === organisation);
  const elsewhere = organisations.filter((name) => name !== organisation);
  return [
    ...own,
    screen('Waiting for you', 'Home', paths.home()),
    ...[...here, ...elsewhere].flatMap((name) => [
      screen('Projects', name, paths.organisation(name)),
      screen('Members', name, paths.members(name)),
      screen('Environments', name, paths.environments(name)),
      screen('History', name, paths.history(name)),
    ]),
    screen('Account', 'Profile, password, access tokens', paths.account()),
  ];
}

/** How many are shown of each group. */
const shown = { Screens: 8, Projects: 8, Releases: 8 } as const;

/**
 * The commands that hold every word of `text`, whatever its case; those whose label begins with it first, else in the order
 * given. Without a text, all. At most a few of each group.
 */
export function matching(commands: readonly Command[], text: string): readonly Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = commands.filter(({ label, detail }) => {
    const whole = `${label} ${detail}`.toLowerCase();
    return words.every((word) => whole.includes(word));
  });
  const begins = ({ label }: Command) => words[0] !== undefined && label.toLowerCase().startsWith(words[0]);
  const ordered = [...found.filter(begins), ...found.filter((command) => !begins(command))];
  return (['Releases', 'Projects', 'Screens'] as const).flatMap((group) =>
    distinct(ordered.filter((command) => command.group === group)).slice(0, shown[group]),
  );
}

/** A release may be known twice: as one that waits, which leads to its Policy Requirements, and as one of the project. */
function distinct(commands: readonly Command[]): readonly Command[] {
  const page = ({ to }: Command) => to.split('#', 1)[0];
  return commands.filter((one, index) => commands.findIndex((other) => page(other) === page(one)) === index);
}
