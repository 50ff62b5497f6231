import { useInfiniteQuery } from '@connectrpc/connect-query';
import { Link } from 'react-router';
import { PagedList } from '#src/components/paged-list.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { paths } from '#src/config/paths.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { paged } from '#src/lib/paged.ts';
import { projectsInput } from './queries.ts';

/** The projects of an organisation, by name. */
export function ProjectList({ organisation }: { readonly organisation: string }) {
  const query = useInfiniteQuery(ReleaseService.method.getProjects, projectsInput(organisation), paged);
  const projects = query.data?.pages.flatMap((page) => page.projects) ?? [];
  return (
    <Section title="Projects" flush>
      <PagedList
        query={query}
        what="projects"
        error={query.error ? describeError(query.error).message : ''}
        count={projects.length}
        empty={
          <Empty title="No projects yet.">
            A project is made with CreateProject, or by its first release.
          </Empty>
        }
      >
        <ul aria-label="Projects">
          {projects.map((project) => (
            <li key={project} className="border-b border-line px-4 py-2.5 last:border-b-0">
              <Link to={paths.project(organisation, project)} className="font-medium wrap-anywhere">
                {project}
              </Link>
            </li>
          ))}
        </ul>
      </PagedList>
    </Section>
  );
}
