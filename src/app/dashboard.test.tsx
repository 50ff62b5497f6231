// @vitest-environment jsdom
import { Code, ConnectError, type ConnectRouter, type Interceptor } from '@connectrpc/connect';
import { act, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { type GetSessionResponse, type Session, SessionService } from '#src/gen/forest/v1/sessions_pb.ts';
import { createQueryClient } from '#src/lib/query-client.ts';
import { sessionKey } from '#src/lib/session.ts';
import { sessionInterceptor } from '#src/lib/transport.ts';
import { transportTo } from '#src/testing/render-within.tsx';
import { sessionOf } from '#src/testing/sessions.ts';
import { App } from './app.tsx';
import { leaveForSignIn } from './leave-for-sign-in.ts';
import { createTestRouter } from './router.tsx';

// jsdom does not implement it.
vi.stubGlobal('scrollTo', () => {});

/** A server in memory with one session, organisation and project, and switches for failures. */
class TestServer {
  session: Session | undefined = undefined;
  setUpRequired = false;
  sessionEnded = false;
  away = false;
  readonly csrfTokens: Record<string, string | null> = {};

  readonly serve = (router: ConnectRouter) => {
    router.service(SessionService, {
      getSession: () => ({ session: this.session, setUpRequired: this.setUpRequired, tokenMaxDays: 30 }),
      signIn: ({ identifier, password }) => {
        if (password !== 'right') throw new ConnectError('wrong username or password', Code.Unauthenticated);
        this.session = sessionOf(identifier);
        this.sessionEnded = false;
        return { session: this.session };
      },
    });
    router.service(PolicyService, {
      listPolicies: (_, { requestHeader }) => {
        this.csrfTokens.list = requestHeader.get('x-csrf-token');
        return { policies: [] };
      },
      createPolicy: (_, { requestHeader }) => {
        this.csrfTokens.create = requestHeader.get('x-csrf-token');
        return {};
      },
      listPendingApprovals: () => ({}),
      listHistory: () => ({}),
      verifyHistory: () => ({ ok: true, entries: 3n, headHash: 'ab' }),
    });
    router.service(EnvironmentService, {
      listEnvironments: () => ({
        environments: [
          { id: '1', name: 'staging' },
          { id: '2', name: 'production' },
        ],
      }),
    });
    router.service(ReleaseService, {
      getDeploymentBoard: ({ organisation }) => {
        if (organisation === 'secret') throw new ConnectError('no access to it', Code.PermissionDenied);
        if (organisation !== 'acme')
          throw new ConnectError(`Organisation "${organisation}" not found`, Code.NotFound);
        return { rows: [{ project: 'checkout', cells: [] }] };
      },
    });
  };

  readonly faults: Interceptor = (next) => async (request) => {
    if (this.away) throw ConnectError.from(new TypeError('Failed to fetch'), Code.Internal);
    if (this.sessionEnded && request.service.typeName !== SessionService.typeName) {
      throw new ConnectError('the session has ended', Code.Unauthenticated);
    }
    return next(request);
  };
}

let server: TestServer;
beforeEach(() => {
  server = new TestServer();
});

function open(address: string) {
  const session = sessionInterceptor({ onUnauthenticated: () => leaveForSignIn(services, router) });
  const services = {
    queryClient: createQueryClient(),
    transport: transportTo(server.serve, [session, server.faults]),
  };
  const router = createTestRouter(services, address);
  render(<App dashboard={{ services, router }} />);
  return {
    router,
    user: userEvent.setup(),
    at: () => router.state.location.pathname + router.state.location.search,
    tokenMaxDays: () =>
      services.queryClient.getQueryData<GetSessionResponse>(sessionKey(services.transport))?.tokenMaxDays,
  };
}

const heading = (name: string) => screen.findByRole('heading', { level: 1, name });
const policies = '/orgs/acme/projects/checkout/policies';

describe('signing in', () => {
  test("opens the requested address after signing in, and keeps the server's settings", async () => {
    const { user, at, tokenMaxDays } = open(`${policies}?x=1`);
    await heading('Sign in');
    await user.type(screen.getByLabelText('Username or email'), 'admin');
    await user.type(screen.getByLabelText('Password'), 'wrong');
    await user.click(screen.getByRole('button', { name: 'Sign in' }));
    expect((await screen.findByRole('alert')).textContent).toBe('wrong username or password');
    expect(screen.getByLabelText('Username or email')).toHaveProperty('value', 'admin');
    await user.type(screen.getByLabelText('Password'), 'right');
    await user.click(screen.getByRole('button', { name: 'Sign in' }));
    await heading('Deployment Policies');
    expect(at()).toBe(`${policies}?x=1`);
    expect(tokenMaxDays()).toBe(30);
  });

  test('keeps the form when the session ends, and returns to it after signing in', async () => {
    server.session = sessionOf('admin');
    const { user, at } = open(policies);
    await user.type(await screen.findByLabelText('Name'), 'Two reviewers');
    await user.selectOptions(screen.getByLabelText('Type'), 'Approval Required');
    await user.selectOptions(screen.getByLabelText('Target environment'), 'production');
    server.sessionEnded = true;
    server.session = undefined;
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    await heading('Sign in');
    expect(at()).toBe(`/sign-in?next=${encodeURIComponent(policies)}`);
    await user.type(screen.getByLabelText('Username or email'), 'admin');
    await user.type(screen.getByLabelText('Password'), 'right');
    await user.click(screen.getByRole('button', { name: 'Sign in' }));
    await heading('Deployment Policies');
    expect(await screen.findByLabelText('Name')).toHaveProperty('value', 'Two reviewers');
    expect(screen.getByLabelText('Target environment')).toHaveProperty('value', 'production');
    expect(at()).toBe(policies);
  });

  test('does not show the input of one user to another', async () => {
    server.session = sessionOf('admin');
    const { user } = open(policies);
    await user.type(await screen.findByLabelText('Name'), 'of the first');
    await user.selectOptions(screen.getByLabelText('Type'), 'Soak Time');
    await user.selectOptions(screen.getByLabelText('Source environment'), 'staging');
    await user.selectOptions(screen.getByLabelText('Target environment'), 'production');
    await user.type(screen.getByLabelText('Soak duration'), '5m');
    server.sessionEnded = true;
    server.session = undefined;
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    await heading('Sign in');
    await user.type(screen.getByLabelText('Username or email'), 'reviewer');
    await user.type(screen.getByLabelText('Password'), 'right');
    await user.click(screen.getByRole('button', { name: 'Sign in' }));
    await heading('Deployment Policies');
    expect(await screen.findByLabelText('Name')).toHaveProperty('value', '');
  });

  test('opens set-up on an empty server', async () => {
    server.setUpRequired = true;
    const { at } = open('/');
    await heading('Set up Forage');
    expect(at()).toBe('/set-up');
  });

  test('sends the CSRF token with writes only', async () => {
    server.session = sessionOf('admin');
    const { user } = open(policies);
    await user.type(await screen.findByLabelText('Name'), 'Soak');
    await user.selectOptions(screen.getByLabelText('Type'), 'Soak Time');
    await user.selectOptions(screen.getByLabelText('Source environment'), 'staging');
    await user.selectOptions(screen.getByLabelText('Target environment'), 'production');
    await user.type(screen.getByLabelText('Soak duration'), '5m');
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    await waitFor(() => expect(server.csrfTokens.create).toBe('csrf-of-admin'));
    expect(server.csrfTokens.list).toBeNull();
  });
});

describe('pages that cannot be shown', () => {
  beforeEach(() => {
    server.session = sessionOf('admin');
  });

  test.each([
    ['/no/such/page', 'Page not found'],
    ['/orgs/elsewhere', 'Page not found'],
    ['/orgs/elsewhere/members', 'Page not found'],
    ['/orgs/secret', 'Page not found'],
  ])('%s: %s', async (address, title) => {
    open(address);
    await heading(title);
    expect(screen.getByRole('link', { name: 'Go to home' })).toBeTruthy();
  });

  test('the server is unavailable', async () => {
    server.away = true;
    open('/orgs/acme');
    expect(
      await screen.findByRole('heading', { name: "Can't reach the server" }, { timeout: 5_000 }),
    ).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Try again' })).toBeTruthy();
  });
});

test('does not carry state over to another organisation', async () => {
  server.session = sessionOf('admin');
  const others = sessionOf().memberships.map((one) => ({ ...one, organisation: 'bolt' }));
  server.session.memberships.push(...others);
  const { user, router } = open('/orgs/acme/history');
  await user.click(await screen.findByRole('button', { name: 'Verify history' }));
  await screen.findByText(/Verified 3 entries/);
  await act(() => router.navigate('/orgs/bolt/history'));
  await screen.findByRole('link', { name: 'bolt' });
  expect(screen.queryByText(/Verified 3 entries/)).toBeNull();
});

test('shows members policies without controls', async () => {
  server.session = sessionOf('reviewer', 'member');
  open(policies);
  await heading('Deployment Policies');
  expect(await screen.findByText('No deployment policies configured.')).toBeTruthy();
  expect(screen.queryByRole('button', { name: 'Create Policy' })).toBeNull();
});

test('sets the window title and marks the current tab', async () => {
  server.session = sessionOf('admin');
  open(policies);
  await heading('Deployment Policies');
  expect(document.title).toBe('Policies · checkout · Forage');
  expect(screen.getByRole('link', { name: 'Policies', current: 'page' })).toBeTruthy();
});
