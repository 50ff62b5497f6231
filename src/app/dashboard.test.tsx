// @vitest-environment jsdom
import { Code, ConnectError, type ConnectRouter, type Interceptor } from '@connectrpc/connect';
import { act, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { type Session, SessionService } from '#src/gen/forest/v1/sessions_pb.ts';
import { createQueryClient } from '#src/lib/query-client.ts';
import { sessionInterceptor } from '#src/lib/transport.ts';
import { transportTo } from '#src/testing/render-within.tsx';
import { sessionOf } from '#src/testing/sessions.ts';
import { App } from './app.tsx';
import { leaveForSignIn } from './leave-for-sign-in.ts';
import { createTestRouter } from './router.tsx';

// jsdom has neither of these browser functions.
vi.stubGlobal('scrollTo', () => {});

/** A server in memory: one session, one organisation, one project, and a switch for each way it can fail. */
class House {
  session: Session | undefined = undefined;
  setUpRequired = false;
  /** The server no longer knows the session, though the page still does. */
  sessionEnded = false;
  away = false;
  readonly csrfTokens: Record<string, string | null> = {};

  readonly serve = (router: ConnectRouter) => {
    router.service(SessionService, {
      getSession: () => ({ session: this.session, setUpRequired: this.setUpRequired }),
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
      getProjects: ({ query }) => {
        const name = query.value?.organisation;
        if (name === 'secret') throw new ConnectError('no access to it', Code.PermissionDenied);
        if (name !== 'acme') throw new ConnectError(`organisation "${name}" not found`, Code.NotFound);
        return { projects: ['checkout'] };
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

let house: House;
beforeEach(() => {
  house = new House();
});

function open(address: string) {
  const session = sessionInterceptor({ onUnauthenticated: () => leaveForSignIn(services, router) });
  const services = {
    queryClient: createQueryClient(),
    transport: transportTo(house.serve, [session, house.faults]),
  };
  const router = createTestRouter(services, address);
  render(<App dashboard={{ services, router }} />);
  return {
    router,
    user: userEvent.setup(),
    at: () => router.state.location.pathname + router.state.location.search,
  };
}

const heading = (name: string) => screen.findByRole('heading', { level: 1, name });
const policies = '/orgs/acme/projects/checkout/policies';

describe('signing in', () => {
  test('an address sent by a colleague opens after signing in', async () => {
    const { user, at } = open(`${policies}?x=1`);
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
  });

  test('a session that ends in mid-work leads to sign-in and back, and what was typed is there', async () => {
    house.session = sessionOf('admin');
    const { user, at } = open(policies);
    await user.type(await screen.findByLabelText('Name'), 'Two reviewers');
    await user.selectOptions(screen.getByLabelText('Type'), 'Approval Required');
    await user.selectOptions(screen.getByLabelText('Target environment'), 'production');
    house.sessionEnded = true;
    house.session = undefined;
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

  test('what one user typed is not shown to another', async () => {
    house.session = sessionOf('admin');
    const { user } = open(policies);
    await user.type(await screen.findByLabelText('Name'), 'of the first');
    house.sessionEnded = true;
    house.session = undefined;
    await user.selectOptions(screen.getByLabelText('Source environment'), 'staging');
    await user.selectOptions(screen.getByLabelText('Target environment'), 'production');
    await user.type(screen.getByLabelText('Soak duration'), '5m');
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    await heading('Sign in');
    await user.type(screen.getByLabelText('Username or email'), 'reviewer');
    await user.type(screen.getByLabelText('Password'), 'right');
    await user.click(screen.getByRole('button', { name: 'Sign in' }));
    await heading('Deployment Policies');
    expect(await screen.findByLabelText('Name')).toHaveProperty('value', '');
  });

  test('an empty server leads to set-up', async () => {
    house.setUpRequired = true;
    const { at } = open('/');
    await heading('Set up Forage');
    expect(at()).toBe('/set-up');
  });

  test('the CSRF token goes with what writes, and only with that', async () => {
    house.session = sessionOf('admin');
    const { user } = open(policies);
    await user.type(await screen.findByLabelText('Name'), 'Soak');
    await user.selectOptions(screen.getByLabelText('Source environment'), 'staging');
    await user.selectOptions(screen.getByLabelText('Target environment'), 'production');
    await user.type(screen.getByLabelText('Soak duration'), '5m');
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    await waitFor(() => expect(house.csrfTokens.create).toBe('csrf-of-admin'));
    expect(house.csrfTokens.list).toBeNull();
  });
});

describe('what cannot be shown has a page of its own, with a way on', () => {
  beforeEach(() => {
    house.session = sessionOf('admin');
  });

  test.each([
    ['/no/such/page', 'Page not found'],
    ['/orgs/elsewhere', 'Page not found'],
    ['/orgs/elsewhere/members', 'Page not found'],
    ['/orgs/secret', 'No access'],
  ])('%s: %s', async (address, title) => {
    open(address);
    await heading(title);
    expect(screen.getByRole('link', { name: 'Go to the start page' })).toBeTruthy();
  });

  test('the server does not answer', async () => {
    house.away = true;
    open('/orgs/acme');
    expect(
      await screen.findByRole('heading', { name: 'The server does not answer' }, { timeout: 5_000 }),
    ).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Try again' })).toBeTruthy();
  });
});

test('what was found about one organisation is not shown of another', async () => {
  house.session = sessionOf('admin');
  const others = sessionOf().memberships.map((one) => ({ ...one, organisation: 'bolt' }));
  house.session.memberships.push(...others);
  const { user, router } = open('/orgs/acme/history');
  await user.click(await screen.findByRole('button', { name: 'Check the record' }));
  await screen.findByText(/3 entries fit/);
  await act(() => router.navigate('/orgs/bolt/history'));
  await screen.findByRole('link', { name: 'bolt' });
  expect(screen.queryByText(/3 entries fit/)).toBeNull();
});

test('members see policies and no way to change them', async () => {
  house.session = sessionOf('reviewer', 'member');
  open(policies);
  await heading('Deployment Policies');
  expect(await screen.findByText('No deployment policies configured.')).toBeTruthy();
  expect(screen.queryByRole('button', { name: 'Create Policy' })).toBeNull();
});

test('the window is named after the page, and navigation says where one is', async () => {
  house.session = sessionOf('admin');
  open(policies);
  await heading('Deployment Policies');
  expect(document.title).toBe('Policies · checkout · Forage');
  expect(screen.getByRole('link', { name: 'Policies', current: 'page' })).toBeTruthy();
});
