import { Section } from '#src/components/section.tsx';
import type { User } from '#src/gen/forest/v1/users_pb.ts';

/** Who the caller is to this server. */
export function Profile({ user }: { readonly user: User }) {
  return (
    <Section title="Profile">
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1">
        <dt className="text-muted">Username</dt>
        <dd className="wrap-anywhere">{user.username}</dd>
        <dt className="text-muted">Email</dt>
        <dd className="wrap-anywhere">{user.emails.map(({ email }) => email).join(', ') || 'none'}</dd>
      </dl>
    </Section>
  );
}
