import { statement } from '#server/db/database.ts';

export interface HistoryRow {
  readonly id: number;
  readonly at: Date;
  readonly kind: string;
  readonly actorId: string | null;
  readonly actorUsername: string;
  readonly organisation: string;
  readonly project: string | null;
  readonly releaseIntentId: string | null;
  readonly subject: string;
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
}

/** Appends one entry. The table refuses every other kind of write. */
export const appendHistory = statement<
  readonly [
    organisationId: string,
    projectId: string | null,
    releaseIntentId: string | null,
    at: Date,
    kind: string,
    actorId: string | null,
    actorUsername: string,
    subject: string,
    before: string | null,
    after: string | null,
  ]
>(
  'history.append',
  `insert into history (organisation_id, project_id, release_intent_id, at, kind, actor_id, actor_username, subject,
                        before, after)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb)`,
);

/** A page of an organisation's history, newest first. Filters that are null filter nothing. */
export const listHistory = statement<
  readonly [
    organisationId: string,
    projectId: string | null,
    releaseIntentId: string | null,
    kind: string | null,
    actorId: string | null,
    before: number | null,
    limit: number,
    since: Date | null,
    until: Date | null,
  ],
  HistoryRow
>(
  'history.list',
  `select h.id, h.at, h.kind, h.actor_id as "actorId", h.actor_username as "actorUsername", o.name as organisation,
          p.name as project, h.release_intent_id as "releaseIntentId", h.subject, h.before, h.after
     from history h
     join organisations o on o.id = h.organisation_id
     left join projects p on p.id = h.project_id
    where h.organisation_id = $1
      and ($2::uuid is null or h.project_id = $2)
      and ($3::uuid is null or h.release_intent_id = $3)
      and ($4::text is null or h.kind = $4)
      and ($5::uuid is null or h.actor_id = $5)
      and ($6::bigint is null or h.id < $6)
      and ($8::timestamptz is null or h.at >= $8)
      and ($9::timestamptz is null or h.at < $9)
    order by h.id desc
    limit $7`,
);
