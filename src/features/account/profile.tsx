import { timestampDate } from '@bufbuild/protobuf/wkt';
import { Link } from 'react-router';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Section } from '#src/components/section.tsx';
import { paths } from '#src/config/paths.ts';
import type { Session } from '#src/gen/forest/v1/sessions_pb.ts';

/** The caller's user data and organisations. */
export function Profile({ session }: { readonly session: Session }) {
  const { user, memberships } = session;
  if (!user) return null;
  return (
    <Section title="Profile">
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 wrap-anywhere">
        <dt className="text-muted">Username</dt>
        <dd>{user.username}</dd>
        <dt className="text-muted">Email</dt>
        <dd>{user.emails.map(({ email }) => email).join(', ') || 'None'}</dd>
        {user.createdAt && (
          <>
            <dt className="text-muted">Created</dt>
            <dd>
              <RelativeTime value={timestampDate(user.createdAt)} />
            </dd>
          </>
        )}
        <dt className="text-muted">Organisations</dt>
        <dd>
          {memberships.length === 0
            ? 'None'
            : memberships.map(({ organisation, role }, index) => (
                <span key={organisation}>
                  {index > 0 && ', '}
                  <Link to={paths.organisation(organisation)}>{organisation}</Link> ({role})
                </span>
              ))}
        </dd>
      </dl>
    </Section>
  );
}
