import { useInfiniteQuery } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Badge } from '#src/components/badge.tsx';
import { Button } from '#src/components/button.tsx';
import { ExpiryTime } from '#src/components/expiry-time.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Row, Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { ActionError, Empty } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { type ActiveSession, SessionKind, SessionService } from '#src/gen/forest/v1/sessions_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { paged } from '#src/lib/paged.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import { clientName } from './client-name.ts';
import { SignOutEverywhere } from './sign-out-everywhere.tsx';
import { useSessionMutations } from './use-sessions.ts';

/** The caller's sessions: in browsers, and of clients that signed in with the password. */
export function SessionList() {
  const query = useInfiniteQuery(SessionService.method.listSessions, { pageToken: '' }, paged);
  const [asking, setAsking] = useState(false);
  const { end, endThis } = useSessionMutations();
  const sessions = query.data?.pages.flatMap((page) => page.sessions) ?? [];
  const error = end.error ?? endThis.error;
  const signOut = ({ sessionId, current, userAgent }: ActiveSession) => {
    end.reset();
    if (current) return endThis.mutate({});
    end.mutate({ sessionId }, { onSuccess: () => announce(`${clientName(userAgent)} was signed out`) });
  };
  return (
    <Section
      title="Sessions"
      flush
      actions={<Button onClick={() => setAsking(true)}>Sign out everywhere</Button>}
    >
      <PagedList
        query={query}
        what="sessions"
        count={sessions.length}
        empty={<Empty title="No sessions">Reload the page to sign in.</Empty>}
      >
        {error && (
          <div className="px-4 py-2">
            <ActionError>{`Couldn't sign out. ${describeError(error).message}`}</ActionError>
          </div>
        )}
        <Rows label="Sessions">
          {sessions.map((session) => (
            <Row key={session.sessionId}>
              <SessionRow
                session={session}
                pending={
                  session.current
                    ? endThis.isPending
                    : end.isPending && end.variables?.sessionId === session.sessionId
                }
                onSignOut={() => signOut(session)}
              />
            </Row>
          ))}
        </Rows>
      </PagedList>
      {asking && <SignOutEverywhere onClose={() => setAsking(false)} />}
    </Section>
  );
}

interface SessionRowProps {
  readonly session: ActiveSession;
  readonly pending: boolean;
  readonly onSignOut: () => void;
}

function SessionRow({ session, pending, onSignOut }: SessionRowProps) {
  const { kind, begunAt, lastUsedAt, expiresAt, address, userAgent, current } = session;
  const client = clientName(userAgent);
  return (
    <>
      <span className="flex min-w-0 flex-col gap-0.5">
        <span className="flex flex-wrap items-center gap-2">
          <span className="min-w-0 font-medium wrap-anywhere" title={visibleText(userAgent) || undefined}>
            <UserText>{client}</UserText>
          </span>
          {current && <Badge tone="passed">this browser</Badge>}
          {kind === SessionKind.CLIENT && <Badge icon={null}>API client</Badge>}
        </span>
        <span className="text-xs text-muted">
          from <span className="wrap-anywhere">{address || 'an unknown address'}</span>
          {' · '}signed in <RelativeTime value={begunAt} />
          {' · '}last used <RelativeTime value={lastUsedAt} />
          {' · '}expires <ExpiryTime value={expiresAt} /> if not used
        </span>
      </span>
      <span className="ml-auto">
        <Button
          variant="text"
          pending={pending}
          onClick={onSignOut}
          aria-label={visibleText(`Sign out ${client}${current ? ', this browser' : ''}`)}
        >
          Sign out
        </Button>
      </span>
    </>
  );
}
