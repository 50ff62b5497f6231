import type pg from 'pg';
import { destinationChanges, type FactsRow } from '#server/features/gate/rows.ts';

/** The content of the database at the end, from one snapshot. */
export interface DatabaseRecord {
  readonly history: readonly HistoryFact[];
  readonly watched: readonly WatchedFact[];
  readonly late: readonly LateFact[];
  /** The moments of votes, each user's on an environment of an intent in their order. */
  readonly voteMoments: readonly (VoteKey & { readonly moment: number })[];
  readonly users: readonly {
    readonly id: string;
    readonly username: string;
    readonly email: string | null;
  }[];
  readonly projects: readonly { readonly id: string; readonly name: string }[];
  readonly members: readonly { readonly userId: string; readonly role: 'member' | 'admin' }[];
  readonly artifacts: readonly {
    readonly id: string;
    readonly projectId: string;
    readonly slug: string;
    readonly title: string;
    readonly commit: string;
    readonly branch: string | null;
    readonly moment: number;
    readonly buildOrder: number;
    readonly createdBy: string;
    /** Whether its source makes those whom it names authors. */
    readonly sourceNames: boolean;
    readonly sourceUserId: string | null;
    readonly sourceUser: string | null;
    readonly sourceEmail: string | null;
  }[];
  readonly policies: readonly PolicyFact[];
  readonly votes: readonly VoteFact[];
  readonly intents: readonly IntentFact[];
  readonly stages: readonly StageFact[];
  readonly releases: readonly ReleaseFact[];
  readonly runs: readonly RunFact[];
  readonly destinations: readonly DestinationFact[];
  /** When rollbacks began, by the database's sequence. */
  readonly holds: readonly {
    readonly intentId: string;
    readonly environment: string;
    readonly moment: number;
  }[];
  readonly places: readonly PlaceFact[];
  readonly stays: readonly StayFact[];
  /** What decides over the intents that are active, as the server reads it. */
  readonly facts: readonly FactsRow[];
  readonly now: Date;
}

/** The timestamp of the commit in microseconds, which orders the changes of one intent. */
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

/** A change of a release's status or run, or of whether it keeps its destination, recorded by a trigger of the test. */
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
  readonly run: number;
  readonly attempt: number;
  readonly assignedAt: Date | null;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
  /** Whether its receiver reported the end. */
  readonly reported: boolean;
  /** Whether it keeps its destination after its end. */
  readonly occupies: boolean;
}

/** A report of a delivery whose end the server had decided. */
export interface LateFact extends Committed {
  readonly releaseId: string;
  readonly run: number;
  readonly intentId: string;
  readonly destinationId: string;
  readonly status: 'SUCCEEDED' | 'FAILED';
  readonly at: Date;
}

interface VoteKey {
  readonly intentId: string;
  readonly environment: string;
  readonly userId: string;
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
}

export interface StageFact {
  readonly intentId: string;
  readonly id: string;
  readonly type: 'deploy' | 'wait' | 'plan';
  readonly dependsOn: readonly string[];
  readonly environment: string | null;
  readonly status: 'PENDING' | 'ACTIVE' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'AWAITING_APPROVAL';
  readonly reason: string | null;
  readonly alreadyLive: boolean;
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
  /** The last run, which the status is of. */
  readonly run: number;
  readonly errorMessage: string | null;
  readonly completedAt: Date | null;
}

/** A run of a deployment that has started. */
export interface RunFact {
  readonly releaseId: string;
  readonly run: number;
  /** By the database's sequence. */
  readonly startedMoment: number;
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'CANCELLED';
  /** Whether its receiver reported the end. */
  readonly reported: boolean;
  /** What its receiver reported after the server had decided the end. */
  readonly lateStatus: string | null;
}

/** The idempotency key of a delivery, as docs/clients.md says: the release, and from its second run on the run. */
export const deliveryKey = (releaseId: string, run: number): string =>
  run === 1 ? releaseId : `${releaseId}.${run}`;

/** What a destination runs of a project, as the server says. */
export interface PlaceFact {
  readonly projectId: string;
  readonly destinationId: string;
  readonly artifactId: string | null;
  readonly releaseId: string | null;
  readonly uncertain: boolean;
}

/** A time in which a build was live. */
export interface StayFact {
  readonly projectId: string;
  readonly destinationId: string;
  readonly order: number;
  readonly began: Date;
  readonly ended: Date | null;
  readonly outdated: Date | null;
}

export interface DestinationFact {
  readonly id: string;
  readonly name: string;
  readonly environment: string;
}

/** Creates triggers that record what the product's tables do not keep: the order in which deliveries start, and earlier votes. */
export async function watchChanges(client: pg.Client): Promise<void> {
  await client.query(`
    create table watched (
      id bigint generated always as identity primary key, release_id uuid, intent_id uuid, stage_id text,
      destination_id uuid, artifact_id uuid, environment text, mode text, was text, became text, run int,
      attempt int, assigned_at timestamptz, started_at timestamptz, completed_at timestamptz, reported boolean,
      occupies boolean);
    create table watched_reports (
      id bigint generated always as identity primary key, release_id uuid, run int, intent_id uuid, destination_id uuid,
      status text, at timestamptz);
    create table watched_votes (
      id bigint generated always as identity primary key, intent_id uuid, environment text, user_id uuid, moment bigint);
    grant insert on watched, watched_reports, watched_votes to forage;
    create function watch_release() returns trigger language plpgsql as $$
    begin
      if tg_op = 'INSERT' or (old.status, old.run, old.occupied_until is null)
                             is distinct from (new.status, new.run, new.occupied_until is null) then
        insert into watched (release_id, intent_id, stage_id, destination_id, artifact_id, environment, mode, was,
                             became, run, attempt, assigned_at, started_at, completed_at, reported, occupies)
        values (new.id, new.release_intent_id, new.stage_id, new.destination_id, new.artifact_id, new.environment,
                new.mode, case when tg_op = 'INSERT' then null else old.status end, new.status, new.run, new.attempt,
                new.assigned_at, new.started_at, new.completed_at, new.reported, new.occupied_until is not null);
      end if;
      return null;
    end
    $$;
    create trigger watch_release after insert or update on releases
      for each row execute function watch_release();
    create function watch_report() returns trigger language plpgsql as $$
    begin
      insert into watched_reports (release_id, run, intent_id, destination_id, status, at)
      select new.release_id, new.run, r.release_intent_id, r.destination_id, new.late_status, new.late_reported_at
        from releases r where r.id = new.release_id;
      return null;
    end
    $$;
    create trigger watch_report after update on delivery_runs
      for each row when (old.late_status is distinct from new.late_status) execute function watch_report();
    create function watch_vote() returns trigger language plpgsql as $$
    begin
      if tg_op = 'INSERT' or old.moment <> new.moment then
        insert into watched_votes (intent_id, environment, user_id, moment)
        values (new.release_intent_id, new.target_environment, new.user_id, new.moment);
      end if;
      return null;
    end
    $$;
    create trigger watch_vote after insert or update on approval_decisions
      for each row execute function watch_vote()`);
}

const COMMITTED = (table: string) =>
  `(extract(epoch from pg_xact_commit_timestamp(${table}.xmin)) * 1000000)::float8 as committed`;

/** Reads everything that the checks need. */
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
               w.environment, w.mode, w.was as "from", w.became as "to", w.run, w.attempt, w.assigned_at as "assignedAt",
               w.started_at as "startedAt", w.completed_at as "completedAt", w.reported, w.occupies
          from watched w order by committed, id`),
      late: await rows(`
        select l.id::float8 as id, ${COMMITTED('l')}, l.release_id as "releaseId", l.run, l.intent_id as "intentId",
               l.destination_id as "destinationId", l.status, l.at
          from watched_reports l order by committed, id`),
      voteMoments: await rows(`
        select intent_id as "intentId", environment, user_id as "userId", moment::float8 as moment
          from watched_votes order by moment`),
      users: await rows('select id, username, email from users'),
      projects: await rows('select id, name from projects'),
      members: await rows('select user_id as "userId", role from memberships'),
      artifacts: await rows(`
        select id, project_id as "projectId", slug, title, commit_sha as commit, branch, moment::float8 as moment,
               build_order::float8 as "buildOrder", created_by as "createdBy", source_names as "sourceNames", source_user_id as "sourceUserId", source_user as "sourceUser",
               source_email as "sourceEmail" from artifacts`),
      policies: await rows(`
        select id, project_id as "projectId", name, enabled, type, target_environment as "targetEnvironment", config
          from policies`),
      votes: await rows(`
        select release_intent_id as "intentId", target_environment as environment, user_id as "userId", username,
               decision, bypass, comment, created_at as "decidedAt" from approval_decisions`),
      intents: await rows(`
        select id, project_id as "projectId", artifact_id as "artifactId", actor_id as "actorId", status,
               wanted_generation::float8 as wanted, seen_generation::float8 as seen
          from release_intents`),
      stages: await rows(`
        select release_intent_id as "intentId", id, type, depends_on as "dependsOn", environment, status, reason,
               already_live as "alreadyLive"
          from stages order by release_intent_id, position`),
      releases: await rows(`
        select r.id, r.release_intent_id as "intentId", r.stage_id as "stageId", r.artifact_id as "artifactId",
               r.destination_id as "destinationId", r.destination_name as destination, d.type_name as type,
               r.environment, r.mode, r.status, r.run, r.error_message as "errorMessage",
               r.completed_at as "completedAt"
          from releases r join destinations d on d.id = r.destination_id`),
      runs: await rows(`
        select release_id as "releaseId", run, started_moment::float8 as "startedMoment", status, reported,
               late_status as "lateStatus"
          from delivery_runs`),
      destinations: await rows(`
        select d.id, d.name, e.name as environment from destinations d
          join environments e on e.id = d.environment_id where d.deleted_at is null`),
      holds: await rows(`
        select release_intent_id as "intentId", environment, began_moment::float8 as moment from holds`),
      places: await rows(`
        select s.project_id as "projectId", s.destination_id as "destinationId", s.live_artifact_id as "artifactId",
               p.live_release_id as "releaseId", s.doubt is not null or json_array_length(s.failures) > 0 as uncertain
          from place_states s
          left join places p on p.destination_id = s.destination_id and p.project_id = s.project_id`),
      stays: await rows(`
        select project_id as "projectId", destination_id as "destinationId", build_order::float8 as order,
               began_at as began, ended_at as ended, outdated_at as outdated
          from live_periods order by began_moment`),
      facts: await rows(`
        select f.*, ${destinationChanges('f.id')}, f.moment::float8 as moment, f."buildOrder"::float8 as "buildOrder"
          from release_intent_facts f where f.status = 'ACTIVE'`),
    };
  } finally {
    await client.query('rollback');
  }
}
