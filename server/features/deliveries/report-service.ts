import { canBecome } from '#domain/release/release-status.ts';
import type { AppContext } from '#server/context.ts';
import { Failure, failedPrecondition, invalid, notFound } from '#server/failure.ts';
import { hashSecret } from '#server/features/credentials/secret.ts';
import { subjects } from '#server/signals/bus.ts';
import { logLinesOf } from './log-lines.ts';
import { appendFittingLogs, finish, keepLateReport } from './service.ts';
import * as store from './store.ts';

export interface Report {
  readonly releaseId: string;
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | null;
  readonly errorMessage: string | null;
  readonly logLines: readonly string[];
  readonly planOutput: string | null;
}

/**
 * Records a destination's report. The token of a release authorises reports on that release and nothing else. `RUNNING`
 * only appends log lines. Reporting the same outcome again succeeds and changes nothing. If the server has decided the end of
 * the delivery, one report within 24 hours is kept beside it.
 * @throws Failure unauthenticated without a valid token; invalid_argument for another status; not_found when the token
 * belongs to another release; failed_precondition when the release is queued or has ended with another status.
 */
export async function reportRelease(app: AppContext, token: string | null, report: Report): Promise<void> {
  const [known] = token === null ? [] : await app.db.run(store.findByToken, [hashSecret(token)]);
  if (known === undefined) {
    throw new Failure(
      'unauthenticated',
      'Send the report token of this release as "Authorization: Bearer <token>"',
    );
  }
  const { releaseId, run } = known;
  const { status } = report;
  if (status === null) throw invalid({ field: 'status', message: 'must be RUNNING, SUCCEEDED or FAILED' });
  if (releaseId !== report.releaseId.toLowerCase()) {
    throw notFound(`Release ${report.releaseId} with this report token`);
  }
  const lines = logLinesOf(report.logLines, 'stdout', app.clock.now());
  if (status !== 'RUNNING') {
    const outcome =
      status === 'SUCCEEDED'
        ? { status, planOutput: report.planOutput ?? '' }
        : {
            status,
            errorMessage: report.errorMessage || `the destination reported ${status}`,
            reported: true,
          };
    if (await finish(app, { releaseId, fence: null, outcome, lines, run })) return;
    const error = status === 'FAILED' ? (report.errorMessage ?? '') : null;
    if (await keepLateReport(app, { releaseId, run, status, error, lines })) return;
    const [ended] = await app.db.run(store.findOutcome, [releaseId, run]);
    if (ended?.status === status) return;
    throw failedPrecondition(`Release ${releaseId} is ${ended?.status} and cannot become ${status}`);
  }
  const [row] = await app.db.run(store.findRelease, [releaseId]);
  if (row === undefined) throw notFound(`Release ${releaseId}`);
  if (row.run !== run || !canBecome(row.status, 'RUNNING')) {
    throw failedPrecondition(`Release ${releaseId} is ${row.status} and cannot become RUNNING`);
  }
  await appendFittingLogs(app.db, releaseId, lines);
  app.bus.publish(subjects.releaseStatus(row.intentId), row.intentId);
}
