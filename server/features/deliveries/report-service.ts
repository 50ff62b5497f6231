import type { AppContext } from '#server/context.ts';
import { Failure, failedPrecondition, invalid, notFound } from '#server/failure.ts';
import { hashSecret } from '#server/features/credentials/secret.ts';
import { subjects } from '#server/signals/bus.ts';
import { fitting, logLinesOf } from './log-lines.ts';
import { finish } from './service.ts';
import * as store from './store.ts';

export interface Report {
  readonly releaseId: string;
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | null;
  readonly errorMessage: string | null;
  readonly logLines: readonly string[];
  readonly planOutput: string | null;
}

const ALLOWED = 'must be RUNNING, SUCCEEDED or FAILED';

/**
 * Takes a destination's word for how a release went. The token it was given for this release is all it needs and all it
 * opens. `RUNNING` only adds log lines. Reporting the same end again is a success that changes nothing.
 * @throws unauthenticated without a valid token; invalid_argument for another status; not_found when the token is of
 * another release; failed_precondition when the release is queued or has ended otherwise.
 */
export async function reportRelease(app: AppContext, token: string | null, report: Report): Promise<void> {
  const known = token === null ? undefined : await store.findByToken(app.db, hashSecret(token));
  if (known === undefined) {
    throw new Failure(
      'unauthenticated',
      'send the report token of this release as "Authorization: Bearer <token>"',
    );
  }
  const { status } = report;
  if (status === null) throw invalid({ field: 'status', message: ALLOWED });
  if (known !== report.releaseId.toLowerCase())
    throw notFound(`release ${report.releaseId} with this report token`);
  const lines = logLinesOf(report.logLines, 'stdout', app.clock.now());
  if (status === 'RUNNING') {
    const row = await store.findRelease(app.db, known);
    if (row?.status !== 'ASSIGNED' && row?.status !== 'RUNNING') throw ended(known, row?.status, status);
    const fit = fitting(lines, await store.countLogs(app.db, known));
    await store.addLogs(app.db, known, fit);
    app.bus.publish(subjects.releaseStatus(row.intentId), row.intentId);
    return;
  }
  const outcome =
    status === 'SUCCEEDED'
      ? { status, planOutput: report.planOutput ?? '' }
      : { status, errorMessage: report.errorMessage || `the destination reported ${status}` };
  if (await finish(app, { releaseId: known, fence: null, outcome, lines })) return;
  const row = await store.findRelease(app.db, known);
  if (row?.status !== status) throw ended(known, row?.status, status);
}

const ended = (id: string, now: string | undefined, reported: string): Failure =>
  failedPrecondition(`release ${id} is ${now ?? 'gone'} and cannot become ${reported} any more`);
