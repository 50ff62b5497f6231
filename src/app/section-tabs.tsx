import { NavLink, useLocation } from 'react-router';
import { classNames } from '#src/components/class-names.ts';
import { paths } from '#src/config/paths.ts';

interface Tab {
  readonly label: string;
  readonly to: string;
  /** Matches this address only, for tabs whose address is a prefix of others. */
  readonly end?: boolean;
  /** Addresses below this one also belong to the tab. */
  readonly under?: string;
}

/** The tabs of the page's project or organisation. */
export function SectionTabs({
  org,
  project,
  className,
}: {
  readonly org: string | undefined;
  readonly project: string | undefined;
  /** Of the list. */
  readonly className: string;
}) {
  const { pathname } = useLocation();
  if (!org) return null;
  const tabs: readonly Tab[] = project
    ? [
        {
          label: 'Releases',
          to: paths.project(org, project),
          end: true,
          under: `${paths.project(org, project)}/releases/`,
        },
        { label: 'Policies', to: paths.policies(org, project) },
        { label: 'Pipelines', to: paths.pipelines(org, project) },
      ]
    : [
        { label: 'Projects', to: paths.organisation(org), end: true },
        { label: 'Members', to: paths.members(org) },
        { label: 'Environments', to: paths.environments(org) },
        { label: 'History', to: paths.history(org) },
      ];
  return (
    <nav aria-label={project ? 'Project' : 'Organisation'} data-levels className={className}>
      <ul className="flex flex-wrap gap-x-4">
        {tabs.map((tab) => (
          <li key={tab.to}>
            <NavLink
              to={tab.to}
              end={tab.end ?? false}
              className={({ isActive }) =>
                classNames(
                  'block border-b-2 py-2.5 no-underline pointer-coarse:py-3',
                  isActive || (tab.under && pathname.startsWith(tab.under))
                    ? 'border-ink font-medium text-ink'
                    : 'border-transparent text-muted hover:text-ink',
                )
              }
            >
              {tab.label}
            </NavLink>
          </li>
        ))}
      </ul>
    </nav>
  );
}
