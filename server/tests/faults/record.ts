import type pg from 'pg';

/** What the database says when everything is over; read in one snapshot. */
export interface DatabaseRecord {
  readonly history: readonly HistoryFact[];
  readonly watched: readonly WatchedFact[];
  readonly users: readonly {
    readonly id: string;
    readonly username: string;
    readonly email: string | null;
  }[];
  readonly members: readonly { readonly userId: string; readonly role: 'member' | 'admin' }[];
  readonly artifacts: readonly {
    readonly id: string;
    readonly title: string;
    readonly branch: string | null;
    readonly sourceUserId: string | null;
    readonly sourceUser: string | null;
    readonly sourceEmail: string | null;
  }[];
  readonly policies: readonly PolicyFact[];
  readonly votes: readonly VoteFact[];
  readonly intents: readonly IntentFact[];
  readonly stages: readonly StageFact[];
  readonly releases: readonly ReleaseFact[];
  readonly destinations: readonly DestinationFact[];
  readonly now: Date;
}

/** The moment of the commit in microseconds, by which everything that decides over the same intent is ordered. */
interface Committed {
  readonly id: number;
  readonly committed: number;
}

export interface HistoryFact extends Committed {
  readonly kind: string;
  readonly at: Date;
  readonly actorId: string | null;
  readonly actor: string;
  readonly subject: string;
  readonly projectId: string | null;
  readonly intentId: string | null;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

/** A change of a release's status, written down by a trigger of the test's own in the transaction that made it. */
export interface WatchedFact extends Committed {
  readonly releaseId: string;
  readonly intentId: string;
  readonly stageId: string;
  readonly destinationId: string;
  readonly artifactId: string;
  readonly environment: string;
  readonly mode: 'deploy' | 'plan';
  readonly from: string | null;
  readonly to: string;
  readonly attempt: number;
  readonly assignedAt: Date | null;
  readonly completedAt: Date | null;
}

export interface PolicyFact {
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly type: string;
  readonly targetEnvironment: string;
  readonly config: Readonly<Record<string, unknown>>;
}

export interface VoteFact {
  readonly intentId: string;
  readonly environment: string;
  readonly userId: string;
  readonly username: string;
  readonly decision: 'approved' | 'rejected';
  readonly bypass: boolean;
  readonly comment: string | null;
  readonly decidedAt: Date;
}

export interface IntentFact {
  readonly id: string;
  readonly projectId: string;
  readonly artifactId: string;
  readonly actorId: string;
  readonly status: 'ACTIVE' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
  readonly wanted: number;
  readonly seen: number;
  readonly nextCheckAt: Date | null;
}

export interface StageFact {
  readonly intentId: string;
  readonly id: string;
  readonly type: 'deploy' | 'wait' | 'plan';
  readonly dependsOn: readonly string[];
  readonly environment: string | null;
  readonly durationSeconds: number | null;
  readonly autoApprove: boolean;
  readonly status: 'PENDING' | 'ACTIVE' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'AWAITING_APPROVAL';
  readonly reason: string | null;
  readonly errorMessage: string | null;
  readonly queuedAt: Date | null;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
  readonly waitUntil: Date | null;
  readonly nextCheckAt: Date | null;
  readonly planApproval: 'AWAITING' | 'APPROVED' | 'REJECTED' | null;
}

export interface ReleaseFact {
  readonly id: string;
  readonly intentId: string;
  readonly stageId: string;
  readonly artifactId: string;
  readonly destinationId: string;
  readonly destination: string;
  readonly type: string;
  readonly environment: string;
  readonly mode: 'deploy' | 'plan';
  readonly status: 'QUEUED' | 'ASSIGNED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'CANCELLED';
  readonly errorMessage: string | null;
  readonly completedAt: Date | null;
}

export interface DestinationFact {
  readonly id: string;
  readonly name: string;
  readonly environment: string;
}

/** Puts the test's own observer into the database: starts of deliveries leave no other trace that has an order. */
export async function watchReleases(client: pg.Client): Promise<void> {
  await client.query(`
    create table watched (
      id bigint generated always as identity primary key, release_id uuid, intent_id uuid, stage_id text,
      destination_id uuid, artifact_id uuid, environment text, mode text, was text, became text, attempt int,
      assigned_at timestamptz, completed_at timestamptz);
    grant insert on watched to forage;
    create function watch_release() returns trigger language plpgsql as $$
    begin
      if tg_op = 'INSERT' or old.status <> new.status then
        insert into watched (release_id, intent_id, stage_id, destination_id, artifact_id, environment, mode, was,
                             became, attempt, assigned_at, completed_at)
        values (new.id, new.release_intent_id, new.stage_id, new.destination_id, new.artifact_id, new.environment,
                new.mode, case when tg_op = 'INSERT' then null else old.status end, new.status, new.attempt,
                new.assigned_at, new.completed_at);
      end if;
      return null;
    end
    $$;
    create trigger watch_release after insert or update on releases
      for each row execute function watch_release()`);
}

const COMMITTED = (table: string) =>
  `(extract(epoch from pg_xact_commit_timestamp(${table}.xmin)) * 1000000)::float8 as committed`;

/** Reads everything that the check looks at. */
export async function readRecord(client: pg.Client): Promise<DatabaseRecord> {
  const rows = async <Row>(sql: string): Promise<Row[]> => (await client.query(sql)).rows as Row[];
  await client.query('begin isolation level repeatable read read only');
  try {
    const [clock] = await rows<{ now: Date }>('select clock_timestamp() as now');
    return {
      now: clock?.now ?? new Date(),
      history: await rows(`
        select h.id::float8 as id, ${COMMITTED('h')}, h.kind, h.at, h.actor_id as "actorId", h.actor_username as actor,
               h.subject, h.project_id as "projectId", h.release_intent_id as "intentId", h.before, h.after
          from history h order by committed, id`),
      watched: await rows(`
        select w.id::float8 as id, ${COMMITTED('w')}, w.release_id as "releaseId", w.intent_id as "intentId",
               w.stage_id as "stageId", w.destination_id as "destinationId", w.artifact_id as "artifactId",
               w.environment, w.mode, w.was as "from", w.became as "to", w.attempt, w.assigned_at as "assignedAt",
               w.completed_at as "completedAt"
          from watched w order by committed, id`),
      users: await rows('select id, username, email from users'),
      members: await rows('select user_id as "userId", role from memberships'),
      artifacts: await rows(`
        select id, title, branch, source_user_id as "sourceUserId", source_user as "sourceUser",
               source_email as "sourceEmail" from artifacts`),
      policies: await rows(`
        select id, project_id as "projectId", name, enabled, type, target_environment as "targetEnvironment", config
          from policies`),
      votes: await rows(`
        select release_intent_id as "intentId", target_environment as environment, user_id as "userId", username,
               decision, bypass, comment, created_at as "decidedAt" from approval_decisions`),
      intents: await rows(`
        select id, project_id as "projectId", artifact_id as "artifactId", actor_id as "actorId", status,
               wanted_generation::float8 as wanted, seen_generation::float8 as seen, next_check_at as "nextCheckAt"
          from release_intents`),
      stages: await rows(`
        select release_intent_id as "intentId", id, type, depends_on as "dependsOn", environment,
               duration_seconds::float8 as "durationSeconds", auto_approve as "autoApprove", status, reason,
               error_message as "errorMessage", queued_at as "queuedAt", started_at as "startedAt",
               completed_at as "completedAt", wait_until as "waitUntil", next_check_at as "nextCheckAt",
               plan_approval as "planApproval" from stages order by release_intent_id, position`),
      releases: await rows(`
        select r.id, r.release_intent_id as "intentId", r.stage_id as "stageId", r.artifact_id as "artifactId",
               r.destination_id as "destinationId", r.destination_name as destination, d.type_name as type,
               r.environment, r.mode, r.status, r.error_message as "errorMessage", r.completed_at as "completedAt"
          from releases r join destinations d on d.id = r.destination_id`),
      destinations: await rows(`
        select d.id, d.name, e.name as environment from destinations d
          join environments e on e.id = d.environment_id where d.deleted_at is null`),
    };
  } finally {
    await client.query('rollback');
  }
}
