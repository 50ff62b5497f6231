import type { ServiceImpl } from '@connectrpc/connect';
import { isSeldomReached } from '#domain/policy/satisfiable.ts';
import type { AppContext } from '#server/context.ts';
import { invalid } from '#server/failure.ts';
import { environmentToWire } from '#server/features/environments/convert.ts';
import { pipelineToWire } from '#server/features/pipelines/convert.ts';
import type { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { pageOf } from '#server/wire/pages.ts';
import { callerOf, projectOf } from '#server/wire/scopes.ts';
import { configFromWire, evaluationToWire, policyToWire } from './convert.ts';
import * as policies from './service.ts';

type Methods =
  | 'createPolicy'
  | 'updatePolicy'
  | 'deletePolicy'
  | 'listPolicies'
  | 'evaluatePolicies'
  | 'getSoakRecord'
  | 'getReleaseOptions';

/** The policies' part of PolicyService. */
export const policyHandlers = (app: AppContext): Pick<ServiceImpl<typeof PolicyService>, Methods> => ({
  async createPolicy(request, context) {
    const config = configFromWire(request.config);
    if (config === null) throw invalid({ field: 'config', message: 'is required' });
    const scope = projectOf(context);
    const policy = await policies.createPolicy(app, callerOf(context), scope, request.name, config);
    return { policy: policyToWire(policy) };
  },

  async updatePolicy(request, context) {
    const change = {
      enabled: request.enabled ?? null,
      config: (stored: policies.StoredPolicy['config'] | null) => configFromWire(request.config, stored),
      expectedVersion: request.expectedVersion ?? null,
    };
    const scope = projectOf(context);
    const policy = await policies.updatePolicy(app, callerOf(context), scope, request.name, change);
    return { policy: policyToWire(policy) };
  },

  async deletePolicy(request, context) {
    await policies.deletePolicy(app, callerOf(context), projectOf(context), request.name);
    return {};
  },

  async listPolicies(request, context) {
    const page = await policies.listPolicies(app, projectOf(context), pageOf(request, ['text']));
    return { policies: page.rows.map(policyToWire), nextPageToken: page.nextPageToken };
  },

  async evaluatePolicies(request, context) {
    const evaluated = await policies.evaluatePolicies(app, projectOf(context), {
      environment: request.targetEnvironment,
      branch: request.branch ?? null,
      releaseIntentId: request.releaseIntentId ?? null,
    });
    const allPassed = evaluated.every(({ evaluation }) => evaluation.passed);
    return { evaluations: evaluated.map(evaluationToWire), allPassed };
  },

  async getSoakRecord(request, context) {
    const { sourceEnvironment, newerBuildsCount } = request;
    const soak = { sourceEnvironment, durationSeconds: Number(request.durationSeconds), newerBuildsCount };
    const record = await policies.soakRecord(app, projectOf(context), soak);
    return { ...record, isSeldom: isSeldomReached(record) };
  },

  async getReleaseOptions(request, context) {
    const scope = projectOf(context);
    const options = await policies.releaseOptions(app, scope, request.artifactId);
    return {
      pipelines: options.pipelines.map(pipelineToWire),
      environments: options.environments.map((row) => environmentToWire(row, scope.organisation)),
      forecasts: options.forecasts.map(({ environment, evaluations }) => ({
        environment,
        evaluations: evaluations.map((evaluation) => evaluationToWire({ evaluation, outlook: null })),
      })),
    };
  },
});
