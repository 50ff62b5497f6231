import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { invalid } from '#server/failure.ts';
import { environmentToWire } from '#server/features/environments/convert.ts';
import { pipelineToWire } from '#server/features/pipelines/convert.ts';
import type { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { callerOf, projectOf } from '#server/rpc/access.ts';
import { pageOf } from '#server/rpc/page.ts';
import { configOfWire, judgedToWire, policyToWire } from './convert.ts';
import { releaseOptions } from './options-service.ts';
import * as policies from './service.ts';

type Methods =
  | 'createPolicy'
  | 'updatePolicy'
  | 'deletePolicy'
  | 'listPolicies'
  | 'evaluatePolicies'
  | 'getReleaseOptions';

/** The policies' part of PolicyService. */
export const policyHandlers = (app: AppContext): Pick<ServiceImpl<typeof PolicyService>, Methods> => ({
  async createPolicy(request, context) {
    const config = configOfWire(request.config);
    if (config === null) throw invalid({ field: 'config', message: 'a config is required' });
    const policy = await policies.createPolicy(
      app,
      callerOf(context),
      projectOf(context),
      request.name,
      config,
    );
    return { policy: policyToWire(policy) };
  },

  async updatePolicy(request, context) {
    const change = { enabled: request.enabled ?? null, config: configOfWire(request.config) };
    const policy = await policies.updatePolicy(
      app,
      callerOf(context),
      projectOf(context),
      request.name,
      change,
    );
    return { policy: policyToWire(policy) };
  },

  async deletePolicy(request, context) {
    await policies.deletePolicy(app, callerOf(context), projectOf(context), request.name);
    return {};
  },

  async listPolicies(request, context) {
    const page = await policies.listPolicies(app, projectOf(context), pageOf(request, ['text']));
    return { policies: page.policies.map(policyToWire), nextPageToken: page.nextPageToken };
  },

  async evaluatePolicies(request, context) {
    const judged = await policies.evaluatePolicies(app, projectOf(context), {
      environment: request.targetEnvironment,
      branch: request.branch ?? null,
      releaseIntentId: request.releaseIntentId ?? null,
    });
    const allPassed = judged.every(({ evaluation }) => evaluation.passed);
    return { evaluations: judged.map(judgedToWire), allPassed };
  },

  async getReleaseOptions(request, context) {
    const scope = projectOf(context);
    const options = await releaseOptions(app, scope, request.artifactId);
    return {
      pipelines: options.pipelines.map(pipelineToWire),
      environments: options.environments.map((row) => environmentToWire(row, scope.organisation)),
      forecasts: options.forecasts.map(({ environment, evaluations }) => ({
        environment,
        evaluations: evaluations.map((evaluation) => judgedToWire({ evaluation, outlook: null })),
      })),
    };
  },
});
