// @vitest-environment jsdom
import { Code, ConnectError, createRouterTransport } from '@connectrpc/connect';
import { TransportProvider } from '@connectrpc/connect-query';
import { QueryClientProvider } from '@tanstack/react-query';
import { cleanup, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PolicyService, PolicyType } from '#src/gen/forest/v1/policies_pb.ts';
import { type ReleaseRequest, ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { createQueryClient } from '#src/lib/query-client.ts';
import { DeploySection } from './deploy-section.tsx';

const asked: ReleaseRequest[] = [];
let pipelines = 1;
let refuse = false;

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
      asked.push(request);
      if (refuse)
        throw new ConnectError('policy main only: branch fix does not match', Code.FailedPrecondition);
      return {};
    },
  });
});

async function open() {
  render(
    <TransportProvider transport={transport}>
      <QueryClientProvider client={createQueryClient()}>
        <DeploySection organisation="acme" project="checkout" artifactId="artifact" />
      </QueryClientProvider>
    </TransportProvider>,
  );
  return screen.findByRole('button', { name: 'Deploy' });
}

beforeEach(() => {
  asked.length = 0;
  pipelines = 1;
  refuse = false;
});
afterEach(cleanup);

it('releases through the enabled pipeline, and says at once what its policies forbid and ask for', async () => {
  const button = await open();
  expect(
    await screen.findByText(/Policy main only forbids this release to production: branch fix does not match/),
  ).not.toBeNull();
  expect(screen.getByText(/production: 2 approvals will be asked for/)).not.toBeNull();
  await userEvent.click(button);
  await waitFor(() =>
    expect(asked).toMatchObject([{ artifactId: 'artifact', usePipeline: true, pipeline: 'standard' }]),
  );
});

it('releases straight to an environment, whose policies alone are then spoken of', async () => {
  const button = await open();
  await userEvent.selectOptions(screen.getByLabelText('Target environment'), 'staging');
  expect(screen.getByLabelText<HTMLInputElement>('Use pipeline').checked).toBe(false);
  expect(screen.queryByText(/forbids/)).toBeNull();
  await userEvent.click(button);
  await waitFor(() => expect(asked).toMatchObject([{ environments: ['staging'], usePipeline: false }]));
});

it('wants an environment when the pipeline is not used, and says so at the field', async () => {
  const button = await open();
  await userEvent.click(screen.getByLabelText('Use pipeline'));
  await userEvent.click(button);
  expect(screen.getByText('Choose the environment to deploy to.')).not.toBeNull();
  expect(document.activeElement).toBe(screen.getByLabelText('Target environment'));
  expect(asked).toEqual([]);
});

it('lets one of several pipelines be chosen', async () => {
  pipelines = 2;
  const button = await open();
  await userEvent.selectOptions(screen.getByLabelText('Pipeline'), 'hotfix');
  await userEvent.click(button);
  await waitFor(() => expect(asked).toMatchObject([{ pipeline: 'hotfix' }]));
});

it('shows the server’s refusal beside the button', async () => {
  refuse = true;
  await userEvent.click(await open());
  expect((await screen.findByRole('alert')).textContent).toContain(
    'The release was not started: policy main only: branch fix does not match',
  );
});

it('has no pipeline to offer where none is enabled', async () => {
  pipelines = 0;
  await open();
  expect(screen.queryByLabelText('Use pipeline')).toBeNull();
});
