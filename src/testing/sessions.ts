import { create } from '@bufbuild/protobuf';
import { type Session, SessionSchema } from '#src/gen/forest/v1/sessions_pb.ts';

/** A session of `admin` in the organisation `acme`, with another role or user where a test asks for it. */
export function sessionOf(username = 'admin', role = 'admin'): Session {
  return create(SessionSchema, {
    user: { userId: `id-of-${username}`, username },
    memberships: [{ organisationId: 'id-of-acme', organisation: 'acme', role }],
    csrfToken: `csrf-of-${username}`,
  });
}
