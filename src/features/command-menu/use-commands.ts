import { createQueryOptions, useTransport } from '@connectrpc/connect-query';
import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { paths } from '#src/config/paths.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { allOfThem } from '#src/lib/page-sizes.ts';
import { useSession } from '#src/lib/session.ts';
import { type Command, matching, type Place, screenCommands } from './commands.ts';

/** Not more than this many organisations or projects are asked at once. */
const askedAtOnce = 6;
const perProject = 8;
/** A pause in typing, in milliseconds, after which releases are searched. */
const pause = 150;

export interface FoundCommands {
  readonly commands: readonly Command[];
  readonly searching: boolean;
  /** Why something could not be searched; empty when all was. */
  readonly failed: string;
}

/**
 * What the menu offers for a text: screens, the projects of the caller's organisations, and releases: those that wait for
 * the caller, and those of the project at hand (without one, of the first projects of the organisations) that the server
 * finds.
 */
export function useCommands(text: string, place: Place): FoundCommands {
  const transport = useTransport();
  const organisations = useSession()?.memberships.map(({ organisation }) => organisation) ?? [];
  const searched = useSettled(text.trim());

  // The organisation at hand first, so that it is never the one left out.
  const asked = [...organisations].sort(
    (a, b) => Number(b === place.organisation) - Number(a === place.organisation),
  );
  const projects = useQueries({
    queries: asked
      .slice(0, askedAtOnce)
      .map((organisation) =>
        createQueryOptions(
          ReleaseService.method.getProjects,
          { query: { case: 'organisation', value: { organisation } }, pageSize: allOfThem },
          { transport },
        ),
      ),
  });
  const known = projects.flatMap(({ data }, index) =>
    (data?.projects ?? []).map((project) => ({ organisation: asked[index] ?? '', project })),
  );

  const at =
    place.organisation && place.project
      ? [{ organisation: place.organisation, project: place.project }]
      : known.slice(0, askedAtOnce);
  const releases = useQueries({
    queries: (searched || place.project ? at : []).map((project) => ({
      ...createQueryOptions(
        ReleaseService.method.getArtifactsByProject,
        { project, pageSize: perProject, text: searched || undefined },
        { transport },
      ),
      placeholderData: keepPreviousData,
    })),
  });
  const pending = useQuery(createQueryOptions(PolicyService.method.listPendingApprovals, {}, { transport }));

  const commands: Command[] = [
    ...(pending.data?.approvals ?? []).map(({ project, slug, title, environment }) =>
      release(
        project?.organisation ?? '',
        project?.project ?? '',
        slug,
        title,
        `waits for you in ${environment}`,
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
    ...screenCommands(organisations, place),
  ];
  const queries = [...projects, ...releases, pending];
  const error = queries.find((query) => query.error)?.error;
  return {
    commands: matching(commands, text),
    searching: text.trim() !== searched || queries.some(({ isFetching }) => isFetching),
    failed: error ? `Not everything could be searched. ${describeError(error).message}` : '',
  };
}

function release(organisation: string, project: string, slug: string, title: string, more = ''): Command {
  const words = [slug, `${organisation} / ${project}`, more].filter(Boolean);
  return {
    group: 'Releases',
    label: title.split('\n', 1)[0]?.trim() || slug,
    detail: words.join(' · '),
    to: more ? paths.requirements(organisation, project, slug) : paths.release(organisation, project, slug),
  };
}

/** The text once nobody has changed it for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), pause);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
