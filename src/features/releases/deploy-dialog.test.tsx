// @vitest-environment jsdom
import { Code, ConnectError, createRouterTransport } from '@connectrpc/connect';
import { TransportProvider } from '@connectrpc/connect-query';
import { QueryClientProvider } from '@tanstack/react-query';
import { cleanup, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, it } from 'vitest';
import { PolicyService, PolicyType } from '#src/gen/forest/v1/policies_pb.ts';
import { ComparisonDirection, type ReleaseRequest, ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { createQueryClient } from '#src/lib/query-client.ts';
import { DeployButton } from './deploy-button.tsx';

const requests: ReleaseRequest[] = [];
let pipelines = 1;
let refuse = false;
let direction: ComparisonDirection = ComparisonDirection.FORWARD;

const deploy = (environment: string) => ({
  id: environment,
  config: { case: 'deploy', value: { environment } } as const,
});

const transport = createRouterTransport(({ service }) => {
  service(PolicyService, {
    getReleaseOptions: () => ({
      pipelines: ['standard', 'hotfix']
        .slice(0, pipelines)
        .map((name) => ({ name, enabled: true, stages: [deploy('staging'), deploy('production')] })),
      environments: [{ name: 'staging' }, { name: 'production' }],
      forecasts: [
        { environment: 'staging', evaluations: [] },
        {
          environment: 'production',
          evaluations: [
            {
              policyName: 'main only',
              policyType: PolicyType.BRANCH_RESTRICTION,
              targetEnvironment: 'production',
              reason: 'branch fix does not match ^main$',
            },
            {
              policyName: 'two people',
              policyType: PolicyType.EXTERNAL_APPROVAL,
              targetEnvironment: 'production',
              reason: 'no release in context',
              approvalState: { requiredApprovals: 2 },
            },
          ],
        },
      ],
    }),
  });
  service(ReleaseService, {
    release: (request) => {
      requests.push(request);
      if (refuse)
        throw new ConnectError('Policy main only: branch fix does not match', Code.FailedPrecondition);
      return {};
    },
    getReleaseComparison: ({ environment }) => ({
      direction,
      destinations: [
        { destinationName: environment, direction, live: { slug: 'calm-otter', version: '1.4.2' } },
      ],
    }),
  });
});

async function open(more: { rollBackOn?: string } = {}) {
  render(
    <TransportProvider transport={transport}>
      <QueryClientProvider client={createQueryClient()}>
        <DeployButton organisation="acme" project="checkout" artifactId="artifact" name="1.5.0" {...more} />
      </QueryClientProvider>
    </TransportProvider>,
  );
  await userEvent.click(screen.getByRole('button', { name: more.rollBackOn ? 'Roll back…' : 'Deploy…' }));
  return screen.findByRole('button', { name: more.rollBackOn ? 'Roll back' : 'Deploy' });
}

beforeEach(() => {
  requests.length = 0;
  pipelines = 1;
  refuse = false;
  direction = ComparisonDirection.FORWARD;
});

it('releases through the enabled pipeline and shows what its policies forbid and require', async () => {
  const button = await open();
  expect(
    await screen.findByText(/Policy main only forbids this release to production: branch fix does not match/),
  ).not.toBeNull();
  expect(screen.getByText(/production requires 2 approvals/)).not.toBeNull();
  await userEvent.click(button);
  await waitFor(() =>
    expect(requests).toMatchObject([{ artifactId: 'artifact', usePipeline: true, pipeline: 'standard' }]),
  );
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
});

it('says what the release replaces, and in red words when that is newer', async () => {
  await open();
  expect(await screen.findByText('production: replaces 1.4.2')).not.toBeNull();
  cleanup();
  direction = ComparisonDirection.ROLLBACK;
  const button = await open();
  const words = await screen.findByText('production: Rollback: replaces 1.4.2, which is newer');
  expect(words.closest('li')?.className).toContain('text-failed');
  expect(button.className).toContain('bg-failed-strong');
});

it('rolls one environment back to the build', async () => {
  direction = ComparisonDirection.ROLLBACK;
  const button = await open({ rollBackOn: 'production' });
  expect(
    screen.getByRole('dialog', { name: 'Roll back production', description: /To 1\.5\.0\./ }),
  ).not.toBeNull();
  expect(screen.queryByLabelText('Target environment')).toBeNull();
  expect(screen.getByText(/production requires 2 approvals/)).not.toBeNull();
  await userEvent.click(button);
  await waitFor(() => expect(requests).toMatchObject([{ environments: ['production'], usePipeline: false }]));
});

it('releases directly to an environment and shows only its policies', async () => {
  const button = await open();
  await userEvent.selectOptions(screen.getByLabelText('Target environment'), 'staging');
  expect(screen.getByLabelText<HTMLInputElement>('Use pipeline').checked).toBe(false);
  expect(screen.queryByText(/forbids/)).toBeNull();
  await userEvent.click(button);
  await waitFor(() => expect(requests).toMatchObject([{ environments: ['staging'], usePipeline: false }]));
});

it('requires an environment without a pipeline, with the error at the field', async () => {
  const button = await open();
  await userEvent.click(screen.getByLabelText('Use pipeline'));
  await userEvent.click(button);
  expect(screen.getByText('Choose an environment')).not.toBeNull();
  expect(document.activeElement).toBe(screen.getByLabelText('Target environment'));
  expect(requests).toEqual([]);
});

it('offers a choice of several pipelines', async () => {
  pipelines = 2;
  const button = await open();
  await userEvent.selectOptions(screen.getByLabelText('Pipeline'), 'hotfix');
  await userEvent.click(button);
  await waitFor(() => expect(requests).toMatchObject([{ pipeline: 'hotfix' }]));
});

it('shows why the server refused the release', async () => {
  refuse = true;
  await userEvent.click(await open());
  expect((await screen.findByRole('alert')).textContent).toContain(
    'Release not started: Policy main only: branch fix does not match',
  );
});

it('offers no pipeline if none is enabled', async () => {
  pipelines = 0;
  await open();
  expect(screen.queryByLabelText('Use pipeline')).toBeNull();
});
