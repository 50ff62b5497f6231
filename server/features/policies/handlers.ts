import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { invalid } from '#server/failure.ts';
import type { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { callerOf, projectOf } from '#server/rpc/access.ts';
import { pageOf } from '#server/rpc/page.ts';
import { configOfWire, evaluationToWire, policyToWire } from './convert.ts';
import * as policies from './service.ts';

type Methods = 'createPolicy' | 'updatePolicy' | 'deletePolicy' | 'listPolicies' | 'evaluatePolicies';

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
    const evaluations = await policies.evaluatePolicies(app, projectOf(context), {
      environment: request.targetEnvironment,
      branch: request.branch ?? null,
      releaseIntentId: request.releaseIntentId ?? null,
    });
    return { evaluations: evaluations.map(evaluationToWire), allPassed: evaluations.every((e) => e.passed) };
  },
});
