// @vitest-environment jsdom
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, createRouterTransport } from '@connectrpc/connect';
import { cleanup, render, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { PolicyService, PolicyType } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleasePipelineService } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import {
  GetReleaseIntentStatesResponseSchema,
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

let away = false;
let polls = 0;
let intents: 'active' | 'ended' | 'none' = 'active';

/** Counts the polls, and is away when the test says so. */
function poll() {
  polls += 1;
  if (away) throw new ConnectError('connection refused', Code.Unavailable);
}

const transport = createRouterTransport(({ service }) => {
  service(SessionService, {
    getSession: () => ({
      session: {
        user: { userId: 'reviewer-id', username: 'reviewer' },
        memberships: [{ organisation: 'acme', role: 'member' }],
      },
    }),
  });
  service(EnvironmentService, { listEnvironments: () => ({ environments: [{ name: 'production' }] }) });
  service(ReleasePipelineService, { listReleasePipelines: () => ({}) });
  service(PolicyService, {
    getReleaseRequirements: () => ({
      intentStatus: intents === 'active' ? ReleaseIntentStatus.ACTIVE : ReleaseIntentStatus.SUCCEEDED,
      environments: [
        {
          environment: 'production',
          stageStatus: Stage.AWAITING_APPROVAL,
          evaluations: [{ policyName: 'two people', policyType: PolicyType.EXTERNAL_APPROVAL }],
        },
      ],
    }),
  });
  service(ReleaseService, {
    getArtifactBySlug: ({ slug }) => {
      if (slug !== 'calm-otter') throw new ConnectError(`release ${slug} not found`, Code.NotFound);
      return {
        artifact: {
          artifactId: 'artifact',
          slug,
          project: { organisation: 'acme', project: 'checkout' },
          context: { title: 'Fix the tax' },
        },
      };
    },
    getReleaseIntentStates: () => {
      poll();
      if (intents === 'none') return {};
      const active = intents === 'active';
      return create(GetReleaseIntentStatesResponseSchema, {
        releaseIntents: [
          {
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
          },
        ],
      });
    },
    getDestinationStates: () => ({
      destinations: [
        intents === 'ended'
          ? {
              destinationName: 'eu-west',
              releaseId: 'r',
              artifactId: 'artifact',
              statusCode: ReleaseStatus.SUCCEEDED,
            }
          : { destinationName: 'eu-west' },
      ],
    }),
  });
});

function open(start = address) {
  const services = { queryClient: createQueryClient(), transport };
  render(<App dashboard={{ services, router: createTestRouter(services, start) }} />);
}

beforeEach(() => {
  away = false;
  polls = 0;
  intents = 'active';
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
  const asked = polls;
  await vi.advanceTimersByTimeAsync(4_100);
  expect(polls).toBe(asked + 2);
  intents = 'ended';
  await vi.advanceTimersByTimeAsync(2_100);
  expect(await screen.findByText('Deployed to')).not.toBeNull();
  await waitFor(() => expect(screen.queryByText('Not deployed')).toBeNull());
  const atEnd = polls;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(polls).toBe(atEnd);
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
