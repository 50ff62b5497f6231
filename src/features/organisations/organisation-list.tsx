import { Link } from 'react-router';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { paths } from '#src/config/paths.ts';
import { useSession } from '#src/lib/session.ts';

/** The organisations that the caller belongs to, as their session says. */
export function OrganisationList() {
  const memberships = useSession()?.memberships ?? [];
  return (
    <Section title="Your organisations" flush>
      {memberships.length === 0 ? (
        <Empty title="You belong to no organisation yet.">
          Ask an admin to add you; they need your username or email.
        </Empty>
      ) : (
        <ul aria-label="Your organisations">
          {memberships.map(({ organisationId, organisation, role }) => (
            <li
              key={organisationId}
              className="flex items-center gap-3 border-b border-line px-4 py-2.5 last:border-b-0"
            >
              <Link to={paths.organisation(organisation)} className="min-w-0 font-medium wrap-anywhere">
                {organisation}
              </Link>
              <span className="text-muted">{role}</span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
