import { useTransport } from '@connectrpc/connect-query';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from 'react-router';
import { Button } from '#src/components/button.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { Row, Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { paths } from '#src/config/paths.ts';
import { projectsOptions } from './use-projects.ts';

export interface ProjectListProps {
  readonly organisation: string;
  readonly canCreate: boolean;
  readonly onCreate: () => void;
}

/** The organisation's projects. */
export function ProjectList({ organisation, canCreate, onCreate }: ProjectListProps) {
  const query = useInfiniteQuery(projectsOptions(useTransport(), organisation));
  const projects = query.data?.pages.flatMap((page) => page.projects) ?? [];
  const button = canCreate && <Button onClick={onCreate}>Create project</Button>;
  return (
    <Section title="Projects" flush actions={projects.length > 0 && button}>
      <PagedList
        query={query}
        what="projects"
        count={projects.length}
        empty={
          <Empty title="No projects yet">
            <p>
              {canCreate
                ? 'A project is a unit that is built and released: a service, an app, a library.'
                : `An admin of ${organisation} can create one.`}
            </p>
            {button && <p className="mt-3">{button}</p>}
          </Empty>
        }
      >
        <Rows label="Projects">
          {projects.map((project) => (
            <Row key={project}>
              <Link to={paths.project(organisation, project)} className="min-w-0 font-medium wrap-anywhere">
                {project}
              </Link>
            </Row>
          ))}
        </Rows>
      </PagedList>
    </Section>
  );
}
