// @vitest-environment jsdom
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, createRouterTransport } from '@connectrpc/connect';
import { TransportProvider } from '@connectrpc/connect-query';
import { QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it } from 'vitest';
import {
  type ApprovePlanStageRequest,
  type CancelReleaseRequest,
  ReleaseIntentStateSchema,
  ReleaseIntentStatus,
  ReleaseService,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';
import { createQueryClient } from '#src/lib/query-client.ts';
import { chooseIntent } from './intents.ts';
import { PipelineSection } from './pipeline-section.tsx';

type Stages = MessageInitShape<typeof ReleaseIntentStateSchema>['stages'];

const requests: { cancelled: CancelReleaseRequest[]; approved: ApprovePlanStageRequest[] } = {
  cancelled: [],
  approved: [],
};
let refuse = false;

const transport = createRouterTransport(({ service }) => {
  service(ReleaseService, {
    cancelRelease: (request) => {
      if (refuse) throw new ConnectError('The release has ended', Code.FailedPrecondition);
      requests.cancelled.push(request);
      return {};
    },
    approvePlanStage: (request) => {
      requests.approved.push(request);
      return {};
    },
    getPlanOutput: () => ({
      outputs: [{ destinationId: 'd', destinationName: 'eu-west', planOutput: '+ 1 instance' }],
    }),
  });
});

function intent(releaseIntentId: string, stages: Stages, more = {}) {
  return create(ReleaseIntentStateSchema, {
    releaseIntentId,
    slug: 'calm-otter',
    status: ReleaseIntentStatus.ACTIVE,
    createdAt: '2026-01-01T00:00:00Z',
    stages,
    ...more,
  });
}

function open(...intents: ReturnType<typeof intent>[]) {
  const client = createQueryClient();
  const page = (shown: typeof intents) => (
    <TransportProvider transport={transport}>
      <QueryClientProvider client={client}>
        <PipelineSection {...chooseIntent(shown)} />
      </QueryClientProvider>
    </TransportProvider>
  );
  const { rerender } = render(page(intents));
  return { follow: (...now: typeof intents) => rerender(page(now)) };
}

afterEach(() => {
  requests.cancelled.length = 0;
  requests.approved.length = 0;
  refuse = false;
});

const deploy = (environment: string, status: Stage, more = {}) => ({
  stageId: environment,
  stageType: StageType.DEPLOY,
  environment,
  status,
  ...more,
});

it('shows the stages in dependency order with status, reason, error and the number complete', () => {
  open(
    intent('a', [
      deploy('production', Stage.AWAITING_APPROVAL, {
        dependsOn: ['soak'],
        reason: 'awaiting approval: 1/2',
      }),
      {
        stageId: 'soak',
        stageType: StageType.WAIT,
        status: Stage.SUCCEEDED,
        durationSeconds: 5400n,
        dependsOn: ['staging'],
      },
      deploy('staging', Stage.SUCCEEDED),
      deploy('spare', Stage.FAILED, { dependsOn: ['staging'], errorMessage: 'no destinations in spare' }),
    ]),
  );
  const rows = within(screen.getByRole('list', { name: 'Stages' })).getAllByRole('listitem');
  expect(rows.map((row) => row.textContent)).toEqual([
    'Deployed to staging',
    'Waited 1h 30m',
    'Awaiting approval for production1/2',
    'Failed on spareno destinations in spare',
  ]);
  expect(screen.getByText('2/4 stages complete')).not.toBeNull();
  expect(screen.queryByRole('button', { name: 'Cancel release' })).toBeNull();
});

it('folds earlier releases', async () => {
  const ended = { status: ReleaseIntentStatus.FAILED, createdAt: '2026-01-02T00:00:00Z' };
  open(intent('a', [deploy('staging', Stage.ACTIVE)]), intent('b', [deploy('staging', Stage.FAILED)], ended));
  const fold = screen.getByText('Earlier releases (1)').closest('details');
  expect(fold?.open).toBe(false);
  await userEvent.click(screen.getByText('Earlier releases (1)'));
  // jsdom does not send the event of an opened fold.
  if (fold) fireEvent(fold, new Event('toggle'));
  await waitFor(() => expect(fold?.textContent).toContain('Failed on staging'));
});

it('cancels after confirmation and shows a refusal in the dialog', async () => {
  open(intent('a', [deploy('staging', Stage.PENDING)], { canCancel: true }));
  await userEvent.click(screen.getByRole('button', { name: 'Cancel release' }));
  const dialog = await screen.findByRole('alertdialog', { name: 'Cancel this release?' });
  refuse = true;
  await userEvent.type(within(dialog).getByLabelText('Reason'), 'wrong build');
  await userEvent.click(within(dialog).getByRole('button', { name: 'Cancel release' }));
  expect((await within(dialog).findByRole('alert')).textContent).toContain('The release has ended');
  refuse = false;
  await userEvent.click(within(dialog).getByRole('button', { name: 'Cancel release' }));
  await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull());
  expect(requests.cancelled).toMatchObject([{ releaseIntentId: 'a', reason: 'wrong build' }]);
});

it('closes the cancel dialog when another release takes its place', async () => {
  const mine = { canCancel: true };
  const first = intent('a', [deploy('staging', Stage.PENDING)], mine);
  const page = open(first);
  await userEvent.click(screen.getByRole('button', { name: 'Cancel release' }));
  await screen.findByRole('alertdialog');
  const newer = { ...mine, createdAt: '2026-01-02T00:00:00Z' };
  page.follow(first, intent('b', [deploy('staging', Stage.PENDING)], newer));
  await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull());
  expect(screen.getByRole('button', { name: 'Cancel release' })).not.toBeNull();
  expect(requests.cancelled).toEqual([]);
});

it('offers Approve plan to those who may, shows the plan, and otherwise the reason', async () => {
  const plan = (more: object) => ({
    stageId: 'plan',
    stageType: StageType.PLAN,
    environment: 'production',
    status: Stage.AWAITING_APPROVAL,
    ...more,
  });
  open(intent('a', [plan({ canApprovePlan: true })]));
  await userEvent.click(await screen.findByRole('button', { name: 'View plan' }));
  const dialog = await screen.findByRole('dialog', { name: 'Plan for production' });
  expect(await within(dialog).findByText('+ 1 instance')).not.toBeNull();
  await userEvent.keyboard('{Escape}');
  await userEvent.click(screen.getByRole('button', { name: 'Approve plan' }));
  await waitFor(() => expect(requests.approved).toMatchObject([{ releaseIntentId: 'a', stageId: 'plan' }]));
  cleanup();
  open(intent('a', [plan({ planBlockedReason: 'You cannot approve the plan of your own release.' })]));
  expect(await screen.findByText('You cannot approve the plan of your own release.')).not.toBeNull();
  expect(screen.queryByRole('button', { name: 'Approve plan' })).toBeNull();
});
