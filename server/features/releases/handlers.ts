import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import type { ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { callerOf, maybeProjectIdOf, organisationOf, projectOf } from '#server/rpc/access.ts';
import { pageOf } from '#server/rpc/page.ts';
import { destinationStateToWire, intentToWire } from './convert.ts';
import { requestRelease } from './request.ts';
import * as releases from './service.ts';
import { watchRelease } from './watch.ts';

type Methods =
  | 'release'
  | 'waitRelease'
  | 'getDestinationStates'
  | 'getReleaseIntentStates'
  | 'approvePlanStage'
  | 'rejectPlanStage'
  | 'getPlanOutput'
  | 'cancelRelease';

/** The releases' part of ReleaseService. */
export const releaseHandlers = (app: AppContext): Pick<ServiceImpl<typeof ReleaseService>, Methods> => ({
  async release(request, context) {
    const requested = await requestRelease(app, callerOf(context), projectOf(context), {
      artifactId: request.artifactId,
      destinations: request.destinations,
      environments: request.environments,
      force: request.force,
      usePipeline: request.usePipeline,
      pipeline: request.pipeline ?? null,
      prepareOnly: request.prepareOnly,
    });
    const { releaseIntentId, slug, targets } = requested;
    const entries = targets.length > 0 ? targets : [{ environment: '', destination: '' }];
    return { intents: entries.map((target) => ({ releaseIntentId, slug, ...target })) };
  },

  waitRelease(request, context) {
    return watchRelease(app, callerOf(context), request.releaseIntentId, context.signal);
  },

  async getDestinationStates(request, context) {
    const query = queryOf(context, request.artifactId);
    const page = await releases.listDestinationStates(
      app,
      query,
      pageOf(request, ['integer', 'text', 'text']),
    );
    return {
      destinations: page.destinations.map(destinationStateToWire),
      nextPageToken: page.nextPageToken,
    };
  },

  async getReleaseIntentStates(request, context) {
    const query = { ...queryOf(context, request.artifactId), includeCompleted: request.includeCompleted };
    const page = await releases.listIntentStates(app, query, pageOf(request, ['time', 'uuid']));
    const viewer = { userId: callerOf(context).userId, role: organisationOf(context).role };
    return {
      releaseIntents: page.intents.map((intent) => intentToWire(intent, viewer)),
      nextPageToken: page.nextPageToken,
    };
  },

  async approvePlanStage(request, context) {
    const { releaseIntentId, stageId } = request;
    const judged = { releaseIntentId, stageId, verdict: 'APPROVED' as const, reason: '' };
    await releases.judgePlan(app, callerOf(context), projectOf(context), judged);
    return {};
  },

  async rejectPlanStage(request, context) {
    const { releaseIntentId, stageId, reason = '' } = request;
    const judged = { releaseIntentId, stageId, verdict: 'REJECTED' as const, reason };
    await releases.judgePlan(app, callerOf(context), projectOf(context), judged);
    return {};
  },

  async getPlanOutput(request) {
    const { stage, outputs } = await releases.planOutput(app, request.releaseIntentId, request.stageId);
    return {
      planOutput: outputs.map((o) => `# ${o.destinationName}\n${o.planOutput ?? ''}`).join('\n\n'),
      status: stage.status,
      outputs: outputs.map((output) => ({ ...output, planOutput: output.planOutput ?? '' })),
    };
  },

  async cancelRelease(request, context) {
    const { releaseIntentId, reason = '' } = request;
    await releases.cancelRelease(app, callerOf(context), projectOf(context), releaseIntentId, reason);
    return {};
  },
});

const queryOf = (context: HandlerContext, artifactId: string | undefined): releases.StatesQuery => ({
  organisationId: organisationOf(context).organisationId,
  projectId: maybeProjectIdOf(context),
  artifactId: artifactId ?? null,
});
