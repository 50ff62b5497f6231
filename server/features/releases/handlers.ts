import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { endHold } from '#server/features/gate/service.ts';
import type { ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { pageOf } from '#server/wire/pages.ts';
import { callerOf, maybeProjectIdOf, organisationOf, projectOf } from '#server/wire/scopes.ts';
import {
  destinationStateToWire,
  intentToWire,
  myReleaseToWire,
  planOutputToWire,
  requestedIntentToWire,
  watchEventToWire,
} from './convert.ts';
import { requestRelease } from './request.ts';
import { retryStage } from './retry.ts';
import * as releases from './service.ts';
import { outlooksOfRow } from './stage-outlook.ts';
import { watchRelease } from './watch.ts';

type Methods =
  | 'release'
  | 'waitRelease'
  | 'getDestinationStates'
  | 'getReleaseIntentStates'
  | 'listMyReleases'
  | 'approvePlanStage'
  | 'rejectPlanStage'
  | 'getPlanOutput'
  | 'planAgain'
  | 'endHold'
  | 'retryStage'
  | 'cancelRelease';

/** The releases' part of ReleaseService. */
export const releaseHandlers = (app: AppContext): Pick<ServiceImpl<typeof ReleaseService>, Methods> => ({
  async release(message, context) {
    const request = { ...message, pipeline: message.pipeline ?? null };
    const requested = await requestRelease(app, callerOf(context), projectOf(context), request);
    return { intents: requestedIntentToWire(requested) };
  },

  async *waitRelease({ releaseIntentId }, context) {
    const { signal } = context;
    const events = watchRelease(app, callerOf(context), projectOf(context), releaseIntentId, signal);
    for await (const event of events) {
      yield { event: watchEventToWire(event) };
    }
  },

  async getDestinationStates(request, context) {
    const query = statesQuery(context, request.artifactId);
    const destination = ['integer', 'text', 'text'] as const;
    const page = pageOf(request, query.artifactId === null ? [...destination, 'text'] : destination);
    const { rows, nextPageToken } = await releases.listDestinationStates(app, query, page);
    return { destinations: rows.map(destinationStateToWire), nextPageToken };
  },

  async getReleaseIntentStates(request, context) {
    const { artifactId, includeCompleted, releaseIntentId = null } = request;
    const page = pageOf(request, ['time', 'uuid']);
    const query = { ...statesQuery(context, artifactId), includeCompleted, releaseIntentId };
    const { rows, nextPageToken } = await releases.listIntentStates(app, query, page);
    const viewer = { userId: callerOf(context).userId, role: organisationOf(context).role };
    const now = app.clock.now();
    const releaseIntents = rows.map((row) => intentToWire(row, viewer, outlooksOfRow(row, now)));
    return { releaseIntents, nextPageToken };
  },

  async listMyReleases(request, context) {
    const caller = callerOf(context);
    const { rows, nextPageToken } = await releases.listMyReleases(
      app,
      caller,
      pageOf(request, ['time', 'uuid']),
    );
    const now = app.clock.now();
    const found = rows.map((row) => myReleaseToWire(row, caller.userId, outlooksOfRow(row, now)));
    return { releases: found, nextPageToken };
  },

  async approvePlanStage({ releaseIntentId, stageId }, context) {
    const request = { releaseIntentId, stageId, verdict: 'APPROVED', reason: '' } as const;
    await releases.judgePlan(app, callerOf(context), projectOf(context), request);
    return {};
  },

  async rejectPlanStage({ releaseIntentId, stageId, reason = '' }, context) {
    const request = { releaseIntentId, stageId, verdict: 'REJECTED', reason } as const;
    await releases.judgePlan(app, callerOf(context), projectOf(context), request);
    return {};
  },

  async getPlanOutput({ releaseIntentId, stageId }) {
    return planOutputToWire(await releases.getPlanOutput(app, releaseIntentId, stageId));
  },

  async planAgain({ releaseIntentId, stageId }, context) {
    const request = { releaseIntentId, stageId };
    await releases.planAgain(app, callerOf(context), projectOf(context), request);
    return {};
  },

  async retryStage({ releaseIntentId, stageId }, context) {
    await retryStage(app, callerOf(context), projectOf(context), { releaseIntentId, stageId });
    return {};
  },

  async endHold({ environment, comment }, context) {
    await endHold(app, callerOf(context), projectOf(context), { environment, comment });
    return {};
  },

  async cancelRelease({ releaseIntentId, reason = '' }, context) {
    const request = { releaseIntentId, reason };
    await releases.cancelRelease(app, callerOf(context), projectOf(context), request);
    return {};
  },
});

const statesQuery = (context: HandlerContext, artifactId: string | null = null): releases.StatesQuery => ({
  organisationId: organisationOf(context).organisationId,
  projectId: maybeProjectIdOf(context),
  artifactId,
});
