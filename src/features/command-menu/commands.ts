import { paths } from '#src/config/paths.ts';

export interface Command {
  readonly group: 'Screens' | 'Projects' | 'Releases';
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

/** The screens, those of the current project and organisation first. */
export function screenCommands(
  organisations: readonly string[],
  { organisation, project }: CurrentScope,
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
  const current = organisations.filter((name) => name === organisation);
  const others = organisations.filter((name) => name !== organisation);
  return [
    ...own,
    screen('Waiting for you', 'Home', paths.home()),
    ...[...current, ...others].flatMap((name) => [
      screen('Projects', name, paths.organisation(name)),
      screen('Members', name, paths.members(name)),
      screen('Environments', name, paths.environments(name)),
      screen('History', name, paths.history(name)),
    ]),
    screen('Account', 'Profile, password, access tokens', paths.account()),
  ];
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
  const ordered = [...found.filter(startsWithText), ...found.filter((command) => !startsWithText(command))];
  return (['Releases', 'Projects', 'Screens'] as const).flatMap((group) =>
    distinct(ordered.filter((command) => command.group === group)).slice(0, MAX_PER_GROUP),
  );
}

/** A release that waits is found twice: the first result, which links to its Policy Requirements, is kept. */
function distinct(commands: readonly Command[]): readonly Command[] {
  const page = ({ to }: Command) => to.split('#', 1)[0];
  return commands.filter((one, index) => commands.findIndex((other) => page(other) === page(one)) === index);
}
