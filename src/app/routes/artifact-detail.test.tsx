// @vitest-environment jsdom
import { Code, ConnectError, createRouterTransport, type Interceptor } from '@connectrpc/connect';
import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { Profiler, type ProfilerOnRenderCallback } from 'react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PolicyService, PolicyType } from '#src/gen/forest/v1/policies_pb.ts';
import {
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
const asked: Record<string, number> = {};
let intents: 'active' | 'ended' | 'none' = 'active';
let approvals = 0;

/** Counts what is asked, by method. */
const counting: Interceptor = (next) => async (request) => {
  asked[request.method.name] = (asked[request.method.name] ?? 0) + 1;
  return next(request);
};

/** The release as it stands. */
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
        if (!Object.hasOwn(titles, slug)) throw new ConnectError(`release ${slug} not found`, Code.NotFound);
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
    });
  },
  { transport: { interceptors: [counting] } },
);

function open(start = address) {
  const services = { queryClient: createQueryClient(), transport };
  const router = createTestRouter(services, start);
  const renders = vi.fn<ProfilerOnRenderCallback>();
  render(
    <Profiler id="page" onRender={renders}>
      <App dashboard={{ services, router }} />
    </Profiler>,
  );
  return { renders, router };
}

beforeEach(() => {
  away = false;
  polls = 0;
  for (const method of Object.keys(asked)) delete asked[method];
  intents = 'active';
  approvals = 0;
  window.scrollTo = () => {};
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const sections = () =>
  screen.getAllByRole('region').map((one) => one.querySelector('h2')?.textContent ?? null);

it('shows the sections in their order', async () => {
  open();
  expect(await screen.findByRole('heading', { level: 1, name: 'Fix the tax' })).not.toBeNull();
  expect(sections().filter(Boolean)).toEqual([
    'Deploy this release',
    'Pipeline',
    'Policy Requirements',
    'Destinations',
  ]);
});

it('has no requirements to show for an artifact that was never released', async () => {
  intents = 'none';
  open();
  expect(await screen.findByText('Not released yet.')).not.toBeNull();
  expect(screen.queryByText('Policy Requirements')).toBeNull();
});

it('takes no choice that was made for one build along to another', async () => {
  intents = 'none';
  const { router } = open('/orgs/acme/projects/checkout/releases/bold-heron');
  const environment = () => screen.findByLabelText<HTMLSelectElement>('Target environment');
  await environment();
  await act(() => router.navigate(address));
  await screen.findByRole('heading', { level: 1, name: 'Fix the tax' });
  fireEvent.change(await environment(), { target: { value: 'production' } });
  fireEvent.click(screen.getByLabelText(/^Deploy again/));
  // What the first one can be released to is known already: nothing is loaded in between.
  await act(() => router.navigate(-1));
  expect(await screen.findByRole('heading', { level: 1, name: 'Round half up' })).not.toBeNull();
  expect((await environment()).value).toBe('');
  expect(screen.getByLabelText(/^Deploy again/)).toHaveProperty('checked', false);
});

it.each([
  ['an unknown slug', '/orgs/acme/projects/checkout/releases/nobody'],
  ['the slug of another project', '/orgs/acme/projects/billing/releases/calm-otter'],
])('does not show %s', async (_what, start) => {
  open(start);
  expect(await screen.findByRole('heading', { name: 'Page not found' })).not.toBeNull();
});

it('polls every 2 s, follows the end to the destinations, and then stops', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  open();
  await screen.findByText('Awaiting approval for');
  expect(await screen.findByText('Not deployed')).not.toBeNull();
  const before = polls;
  await vi.advanceTimersByTimeAsync(4_100);
  expect(polls).toBe(before + 2);
  intents = 'ended';
  await vi.advanceTimersByTimeAsync(2_100);
  expect(await screen.findByText('Deployed to')).not.toBeNull();
  await waitFor(() => expect(screen.queryByText('Not deployed')).toBeNull());
  const atEnd = polls;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(polls).toBe(atEnd);
});

it('asks once for each thing it shows, and then by one poll for the whole page', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  open();
  await screen.findByText('Awaiting approval for');
  expect(await screen.findByText('Not deployed')).not.toBeNull();
  expect(asked).toEqual({
    GetSession: 1,
    GetArtifactBySlug: 1,
    GetReleaseIntentStates: 1,
    GetReleaseRequirements: 1,
    GetReleaseOptions: 1,
  });
  await vi.advanceTimersByTimeAsync(20_100);
  expect(asked).toMatchObject({ GetReleaseIntentStates: 1, GetReleaseOptions: 1, GetArtifactBySlug: 1 });
  expect(polls).toBe(11);
});

it('renders nothing for a poll that changes nothing, and what changed for one that does', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const { renders } = open();
  await screen.findByText('Awaiting approval for');
  await screen.findByText('0/2 approvals');
  await vi.advanceTimersByTimeAsync(2_100);
  renders.mockClear();
  const before = polls;
  await vi.advanceTimersByTimeAsync(8_000);
  expect(polls).toBe(before + 4);
  expect(renders).not.toHaveBeenCalled();
  approvals = 1;
  await vi.advanceTimersByTimeAsync(2_100);
  await screen.findByText('1/2 approvals');
  expect(renders).toHaveBeenCalled();
});

it('keeps what it has when the server goes away, says that it is out of date, and recovers', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  open();
  await screen.findByText('Awaiting approval for');
  away = true;
  await vi.advanceTimersByTimeAsync(2_100);
  expect(await screen.findByText(/Out of date since/)).not.toBeNull();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(screen.getByText('Awaiting approval for')).not.toBeNull();
  away = false;
  await vi.advanceTimersByTimeAsync(5_000);
  await waitFor(() => expect(screen.queryByText(/Out of date since/)).toBeNull());
});
