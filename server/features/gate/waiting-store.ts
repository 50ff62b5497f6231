import { statement } from '#server/db/database.ts';

export interface WaitingRow {
  readonly awaiting: number;
  readonly awaitingSince: Date | null;
  readonly held: number;
  readonly heldSince: Date | null;
}

/** Stages that wait at a gate, each kind by its own index: for approvals, and held by a soak or a branch. */
export const waitingStages = statement<readonly [], WaitingRow>(
  'gate.waiting_stages',
  `select a.count as awaiting, a.since as "awaitingSince", h.count as held, h.since as "heldSince"
     from (select count(*) as count, min(queued_at) as since
             from stages where type = 'deploy' and status = 'AWAITING_APPROVAL') a,
          (select count(*) as count, min(queued_at) as since
             from stages where type = 'deploy' and status = 'PENDING' and queued_at is not null) h`,
);
