import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Login } from '#server/features/credentials/logins.ts';
import { csrfToken } from '#server/features/credentials/secret.ts';
import { userToWire } from '#server/features/users/convert.ts';
import {
  type ActiveSessionSchema,
  SessionKind,
  type SessionSchema,
} from '#server/gen/forest/v1/sessions_pb.ts';
import { timestamp } from '#server/wire/timestamps.ts';
import type { Session } from './service.ts';

/** @param secret the session's, null for a caller with a bearer token, who needs no CSRF token. */
export const sessionToWire = (
  session: Session,
  secret: string | null,
): MessageInitShape<typeof SessionSchema> => ({
  user: userToWire(session.user),
  memberships: session.memberships.map(({ organisationId, name, role }) => ({
    organisationId,
    organisation: name,
    role,
  })),
  csrfToken: secret === null ? '' : csrfToken(secret),
  expiresAt: timestamp(session.expiresAt) ?? '',
});

const KINDS = { browser: SessionKind.BROWSER, client: SessionKind.CLIENT } as const;

export const loginToWire = (login: Login): MessageInitShape<typeof ActiveSessionSchema> => ({
  sessionId: login.sessionId,
  kind: KINDS[login.kind],
  begunAt: timestamp(login.begunAt),
  lastUsedAt: timestamp(login.lastUsedAt),
  expiresAt: timestamp(login.expiresAt),
  address: login.address ?? '',
  userAgent: login.userAgent ?? '',
  current: login.current,
});
