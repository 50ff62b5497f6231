// @vitest-environment jsdom
import { Code, ConnectError, createRouterTransport, type Interceptor } from '@connectrpc/connect';
import type { QueryClient } from '@tanstack/react-query';
import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { Profiler, type ProfilerOnRenderCallback } from 'react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PolicyService, PolicyType } from '#src/gen/forest/v1/policies_pb.ts';
import {
  BuildState,
  ReleaseIntentStatus,
  ReleaseService,
  ReleaseStatus,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';
import { SessionService } from '#src/gen/forest/v1/sessions_pb.ts';
import { createQueryClient } from '#src/lib/query-client.ts';
import { App } from '../app.tsx';
import { createTestRouter } from '../router.tsx';

const address = '/orgs/acme/projects/checkout/releases/calm-otter';

/** The builds that there are, by slug. */
const titles: Readonly<Record<string, string>> = {
  'calm-otter': 'Fix the tax',
  'bold-heron': 'Round half up',
};

let away = false;
let polls = 0;
const requestCounts: Record<string, number> = {};
let intents: 'active' | 'ended' | 'none' = 'active';
let approvals = 0;

/** Counts requests by method. */
const counting: Interceptor = (next) => async (request) => {
  requestCounts[request.method.name] = (requestCounts[request.method.name] ?? 0) + 1;
  return next(request);
};

/** The release as the server answers it. */
function release() {
  const active = intents === 'active';
  return {
    releaseIntentId: 'intent',
    status: active ? ReleaseIntentStatus.ACTIVE : ReleaseIntentStatus.SUCCEEDED,
    stages: [
      {
        stageId: 'production',
        stageType: StageType.DEPLOY,
        environment: 'production',
        status: active ? Stage.AWAITING_APPROVAL : Stage.SUCCEEDED,
      },
    ],
  };
}

function destinations() {
  if (intents !== 'ended') return [{ destinationName: 'eu-west' }];
  return [
    {
      destinationName: 'eu-west',
      releaseId: 'r',
      artifactId: 'artifact',
      statusCode: ReleaseStatus.SUCCEEDED,
      buildState: BuildState.LIVE,
    },
  ];
}

const transport = createRouterTransport(
  ({ service }) => {
    service(SessionService, {
      getSession: () => ({
        session: {
          user: { userId: 'reviewer-id', username: 'reviewer' },
          memberships: [{ organisation: 'acme', role: 'member' }],
        },
      }),
    });
    service(PolicyService, {
      getReleaseOptions: () => ({ environments: [{ name: 'production' }] }),
      getReleaseRequirements: () => {
        polls += 1;
        if (away) throw new ConnectError('connection refused', Code.Unavailable);
        const intent = release();
        return {
          releaseIntentId: 'intent',
          intentStatus: intent.status,
          authorUsername: 'author',
          environments: [
            {
              environment: 'production',
              stageId: 'production',
              stageStatus: intents === 'active' ? Stage.AWAITING_APPROVAL : Stage.SUCCEEDED,
              evaluations: [
                {
                  policyName: 'two people',
                  policyType: PolicyType.EXTERNAL_APPROVAL,
                  reason: `awaiting approval: ${approvals}/2`,
                  approvalState: { requiredApprovals: 2, currentApprovals: approvals },
                },
              ],
            },
          ],
          intent,
          destinations: destinations(),
        };
      },
    });
    service(ReleaseService, {
      getArtifactBySlug: ({ slug }) => {
        if (!Object.hasOwn(titles, slug)) throw new ConnectError(`Release ${slug} not found`, Code.NotFound);
        return {
          artifact: {
            artifactId: slug === 'calm-otter' ? 'artifact' : `artifact-${slug}`,
            slug,
            project: { organisation: 'acme', project: 'checkout' },
            context: { title: titles[slug] },
            latestIntent: intents === 'none' ? undefined : release(),
          },
        };
      },
      getReleaseIntentStates: () => (intents === 'none' ? {} : { releaseIntents: [release()] }),
      getDestinationStates: () => ({ destinations: destinations() }),
      getReleaseComparison: () => ({ destinations: [{ destinationName: 'eu-west' }] }),
    });
  },
  { transport: { interceptors: [counting] } },
);

function open(start = address) {
  const queryClient = createQueryClient();
  const services = { queryClient, transport };
  const router = createTestRouter(services, start);
  const renders = vi.fn<ProfilerOnRenderCallback>();
  render(
    <Profiler id="page" onRender={renders}>
      <App dashboard={{ services, router }} />
    </Profiler>,
  );
  return { renders, router, queryClient };
}

beforeEach(() => {
  away = false;
  polls = 0;
  for (const method of Object.keys(requestCounts)) delete requestCounts[method];
  intents = 'active';
  approvals = 0;
  window.scrollTo = () => {};
});
afterEach(() => {
  vi.useRealTimers();
});

const sections = () =>
  screen.getAllByRole('region').map((one) => one.querySelector('h2')?.textContent ?? null);

it('shows the sections in their order', async () => {
  open();
  expect(await screen.findByRole('heading', { level: 1, name: 'Fix the tax' })).not.toBeNull();
  expect(sections().filter(Boolean)).toEqual([
    'What you are approving',
    'Pipeline',
    'Policy Requirements',
    'Destinations',
  ]);
});

it('has no requirements to show for an artifact that was never released', async () => {
  intents = 'none';
  open();
  expect(await screen.findByText('Not released yet')).not.toBeNull();
  expect(screen.queryByText('Policy Requirements')).toBeNull();
});

it('closes the dialog of one build when another is shown', async () => {
  intents = 'none';
  const { router } = open('/orgs/acme/projects/checkout/releases/bold-heron');
  await screen.findByRole('heading', { level: 1, name: 'Round half up' });
  await act(() => router.navigate(address));
  await screen.findByRole('heading', { level: 1, name: 'Fix the tax' });
  fireEvent.click(screen.getByRole('button', { name: 'Deploy…' }));
  expect(await screen.findByRole('dialog', { name: 'Deploy this release' })).not.toBeNull();
  await act(() => router.navigate(-1));
  await screen.findByRole('heading', { level: 1, name: 'Round half up', hidden: true });
  expect(screen.queryByRole('dialog')).toBeNull();
});

it.each([
  ['an unknown slug', '/orgs/acme/projects/checkout/releases/nobody'],
  ['the slug of another project', '/orgs/acme/projects/billing/releases/calm-otter'],
])('does not show %s', async (_what, start) => {
  open(start);
  expect(await screen.findByRole('heading', { name: 'Page not found' })).not.toBeNull();
});

/**
 * From here on intervals fire only when the test moves the clock, so that neither a poll nor a tick of the shown times comes
 * in between. Everything else runs in real time.
 */
function holdIntervals() {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
}

/** Lets everything run that is due now, such as React Query's notifications, which it sends from a timer. */
const nextTask = () => act(() => new Promise<void>((done) => setTimeout(done)));

/**
 * Waits until nothing is loading and what was loaded has been rendered. Unlike `waitFor`, which checks again in an interval
 * (held here) or after a change of the page, it does not depend on a render.
 */
async function settled(queryClient: QueryClient) {
  do await nextTask();
  while (queryClient.isFetching() > 0);
  await nextTask();
}

/** Moves the clock to the next poll, and waits until its answer has been rendered. */
async function nextPoll(queryClient: QueryClient) {
  const before = polls;
  await act(() => vi.advanceTimersByTimeAsync(2_000));
  await settled(queryClient);
  expect(polls).toBe(before + 1);
}

it('polls every 2 s, follows the end to the destinations, and then stops', async () => {
  holdIntervals();
  const { queryClient } = open();
  await screen.findByText('Awaiting approval for');
  expect(await screen.findByText('Not deployed')).not.toBeNull();
  await settled(queryClient);
  await nextPoll(queryClient);
  intents = 'ended';
  await nextPoll(queryClient);
  expect(await screen.findByText('Deployed to')).not.toBeNull();
  await waitFor(() => expect(screen.queryByText('Not deployed')).toBeNull());
  const atEnd = polls;
  await act(() => vi.advanceTimersByTimeAsync(60_000));
  expect(polls).toBe(atEnd);
});

it('loads each thing once, and then polls with one request for the whole page', async () => {
  holdIntervals();
  const { queryClient } = open();
  await screen.findByText('Awaiting approval for');
  expect(await screen.findByText('Not deployed')).not.toBeNull();
  await settled(queryClient);
  const once = {
    GetSession: 1,
    GetArtifactBySlug: 1,
    GetReleaseIntentStates: 1,
    GetReleaseRequirements: 1,
    GetReleaseComparison: 1,
  };
  expect(requestCounts).toEqual(once);
  for (let poll = 0; poll < 10; poll++) await nextPoll(queryClient);
  expect(requestCounts).toEqual({ ...once, GetReleaseRequirements: 11 });
});

it('renders nothing for a poll that changes nothing, and what changed for one that does', async () => {
  holdIntervals();
  const { renders, queryClient } = open();
  await screen.findByText('Awaiting approval for');
  await screen.findByText('0/2 approvals');
  await settled(queryClient);
  await nextPoll(queryClient);
  renders.mockClear();
  for (let poll = 0; poll < 4; poll++) await nextPoll(queryClient);
  expect(renders).not.toHaveBeenCalled();
  approvals = 1;
  await nextPoll(queryClient);
  await screen.findByText('1/2 approvals');
  expect(renders).toHaveBeenCalled();
});

it('keeps its data while the server is away, shows since when, and recovers', async () => {
  holdIntervals();
  const { queryClient } = open();
  await screen.findByText('Awaiting approval for');
  await settled(queryClient);
  away = true;
  await act(() => vi.advanceTimersByTimeAsync(2_000));
  expect(await screen.findByText(/Can't reach the server/)).not.toBeNull();
  expect(screen.getByText('Awaiting approval for')).not.toBeNull();
  away = false;
  fireEvent.click(screen.getByRole('button', { name: 'Retry now' }));
  await waitFor(() => expect(screen.queryByText(/Can't reach the server/)).toBeNull());
});
