import { createQueryOptions, useTransport } from '@connectrpc/connect-query';
import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { paths } from '#src/config/paths.ts';
import { type PendingApproval, PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { MAX_PAGE_SIZE } from '#src/lib/paged.ts';
import { roleIn, useSession } from '#src/lib/session.ts';
import { type Command, type CommandGroup, type CurrentScope, fixedCommands, matching } from './commands.ts';

/** The number of organisations or projects searched at once. */
const MAX_SEARCHED = 6;
const MAX_PER_PROJECT = 8;
/** Releases are searched after a pause in typing of this many milliseconds. */
const DEBOUNCE_MS = 150;

export interface FoundCommands {
  readonly commands: readonly Command[];
  readonly searching: boolean;
  /** Why the results are incomplete, or empty. */
  readonly failed: string;
}

/**
 * The results for a text: screens, projects of the caller's organisations, releases that wait for the caller, and releases
 * found by the server in the current project or else in the first projects.
 */
export function useCommands(text: string, group: CommandGroup | 'All', scope: CurrentScope): FoundCommands {
  const transport = useTransport();
  const session = useSession();
  const organisations = session?.memberships.map(({ organisation }) => organisation) ?? [];
  const searched = useDebounced(text.trim());

  // The current organisation first, so that the limit never excludes it.
  const candidates = [...organisations].sort(
    (a, b) => Number(b === scope.organisation) - Number(a === scope.organisation),
  );
  const projects = useQueries({
    queries: candidates
      .slice(0, MAX_SEARCHED)
      .map((organisation) =>
        createQueryOptions(
          ReleaseService.method.getProjects,
          { query: { case: 'organisation', value: { organisation } }, pageSize: MAX_PAGE_SIZE },
          { transport },
        ),
      ),
  });
  const known = projects.flatMap(({ data }, index) =>
    (data?.projects ?? []).map((project) => ({ organisation: candidates[index] ?? '', project })),
  );

  const at =
    scope.organisation && scope.project
      ? [{ organisation: scope.organisation, project: scope.project }]
      : known.slice(0, MAX_SEARCHED);
  const releases = useQueries({
    queries: (searched || scope.project ? at : []).map((project) => ({
      ...createQueryOptions(
        ReleaseService.method.getArtifactsByProject,
        { project, pageSize: MAX_PER_PROJECT, text: searched || undefined },
        { transport },
      ),
      placeholderData: keepPreviousData,
    })),
  });
  const pending = useQuery(createQueryOptions(PolicyService.method.listPendingApprovals, {}, { transport }));

  const commands: Command[] = [
    ...(pending.data?.approvals ?? []).map((waiting) =>
      release(
        waiting.project?.organisation ?? '',
        waiting.project?.project ?? '',
        waiting.slug,
        waiting.title,
        waiting,
      ),
    ),
    ...releases.flatMap(({ data }, index) =>
      (data?.artifact ?? []).map(({ slug, context }) =>
        release(at[index]?.organisation ?? '', at[index]?.project ?? '', slug, context?.title ?? ''),
      ),
    ),
    ...known.map(
      ({ organisation, project }): Command => ({
        group: 'Projects',
        label: project,
        detail: organisation,
        to: paths.project(organisation, project),
      }),
    ),
    ...fixedCommands(
      organisations.map((organisation) => ({
        organisation,
        isAdmin: roleIn(session, organisation) === 'admin',
      })),
      known,
      scope,
    ),
  ];
  const queries = [...projects, ...releases, pending];
  const error = queries.find((query) => query.error)?.error;
  return {
    commands: matching(
      commands.filter((command) => group === 'All' || command.group === group),
      text,
    ),
    searching: text.trim() !== searched || queries.some(({ isFetching }) => isFetching),
    failed: error ? `Some results are missing. ${describeError(error).message}` : '',
  };
}

function release(
  organisation: string,
  project: string,
  slug: string,
  title: string,
  waiting?: PendingApproval,
): Command {
  const more = waiting && `waiting for you in ${waiting.environment}`;
  const details = [slug, `${organisation} / ${project}`, more].filter(Boolean);
  return {
    group: 'Releases',
    label: title.split('\n', 1)[0]?.trim() || slug,
    detail: details.join(' · '),
    to: waiting
      ? paths.requirements(organisation, project, slug, waiting.releaseIntentId)
      : paths.release(organisation, project, slug),
  };
}

/** The text, once it has not changed for `DEBOUNCE_MS`. */
function useDebounced(text: string): string {
  const [debounced, setDebounced] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setDebounced(text), DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return debounced;
}
