/* Parts of queries that stores of several features put together: what one answers is the same wherever it is asked. */

/** The stages of the intent `i` of a query, as `StageJson`, in the order in which they were written down. */
export const STAGES_OF_INTENT = `
  (select coalesce(json_agg(json_build_object('id', s.id, 'type', s.type, 'dependsOn', s.depends_on,
            'environment', s.environment, 'durationSeconds', s.duration_seconds,
            'autoApprove', s.auto_approve, 'onlyDestinations', s.only_destinations, 'status', s.status,
            'reason', s.reason, 'errorMessage', s.error_message, 'queuedAt', s.queued_at,
            'startedAt', s.started_at, 'completedAt', s.completed_at, 'waitUntil', s.wait_until,
            'nextCheckAt', s.next_check_at, 'planApproval', s.plan_approval) order by s.position), '[]')
     from stages s where s.release_intent_id = i.id)`;

export const POLICIES = (projectId: string) => `
  (select coalesce(json_agg(json_build_object('id', pol.id, 'name', pol.name, 'type', pol.type,
            'targetEnvironment', pol.target_environment, 'config', pol.config)), '[]')
     from policies pol where pol.project_id = ${projectId} and pol.enabled)`;

/** Destinations of environments with an artifact's last arrival at each; `which` picks environments `e`. */
export const DESTINATIONS = (artifactId: string, organisationId: string, which: string) => `
  (select coalesce(json_agg(json_build_object('environment', e.name, 'id', d.id, 'name', d.name,
            'lastSucceededAt', (select max(r.completed_at) from releases r
               where r.artifact_id = ${artifactId} and r.destination_id = d.id
                 and r.status = 'SUCCEEDED' and r.mode = 'deploy')) order by d.name), '[]')
     from environments e
     left join destinations d on d.environment_id = e.id and d.deleted_at is null
    where e.organisation_id = ${organisationId} and (${which}))`;

/** Environments `e` that a policy of the project soaks in. */
export const SOAKED_IN = (projectId: string) => `
  e.name in (select pol.config ->> 'sourceEnvironment' from policies pol
              where pol.project_id = ${projectId} and pol.enabled)`;

/** An intent with what it belongs to: `i`, its project `p`, artifact `a` and author `u`. */
export const INTENT = `
  release_intents i
     join projects p on p.id = i.project_id
     join artifacts a on a.id = i.artifact_id
     join users u on u.id = i.actor_id`;

const NAMED = 'array[lower(btrim(a.source_user)), lower(btrim(a.source_email))]';

/**
 * Whether the user `n` is an author of the release in `INTENT`'s words: asked for it; is named as the artifact's source, by id,
 * username or address; or, where a service account asked for it, annotated the artifact. Null for no. A source never changes,
 * and neither do names and addresses; whoever is named becomes an author when they become a user.
 */
export const IS_AUTHOR = (n: string) => `
  (${n}.id = i.actor_id or ${n}.id = a.source_user_id or (${n}.id = a.created_by and u.kind = 'service')
   or (${n}.kind = 'person' and lower(${n}.username) = any (${NAMED})) or lower(${n}.email) = any (${NAMED}))`;

/** The authors of `INTENT`, as `AuthorJson`: who asked for it first. Of users whom a source merely names, members alone. */
const AUTHORS = `
  (select coalesce(json_agg(json_build_object('userId', n.id, 'username', n.username)
                    order by n.id <> i.actor_id, n.username, n.id), '[]')
     from users n
    where ${IS_AUTHOR('n')}
      and (n.id in (i.actor_id, a.source_user_id, a.created_by)
           or exists (select 1 from memberships am
                       where am.organisation_id = p.organisation_id and am.user_id = n.id)))`;

/** Who asked for the release of `INTENT`, and all of its authors, as `AuthorsRow`. */
export const AUTHORSHIP = `i.actor_id as "actorId", u.username as "actorUsername", ${AUTHORS} as authors`;

/** Names of the members whom the source of the artifact `a` names, given its project `p`. */
export const SOURCE_MEMBERS = `
  array(select n.username from users n
          join memberships am on am.user_id = n.id and am.organisation_id = p.organisation_id
         where n.id = a.source_user_id or lower(n.username) = any (${NAMED}) or lower(n.email) = any (${NAMED})
         order by n.username)`;

/** The columns of `INTENT` that decide over it, as `FactsRow`: its DAG, the live policies, votes, and deployments. */
export const INTENT_FACTS = `
  i.id, p.organisation_id as "organisationId", i.project_id as "projectId", i.artifact_id as "artifactId",
          a.slug, a.title, a.branch, a.commit_sha as "commitSha", a.version, ${AUTHORSHIP}, i.status,
          i.wanted_generation as "wantedGeneration", i.seen_generation as "seenGeneration",
          i.next_check_at as "nextCheckAt",
          ${STAGES_OF_INTENT} as stages,
          (select coalesce(json_agg(json_build_object('id', r.id, 'stageId', r.stage_id,
                    'destinationId', r.destination_id, 'destinationName', r.destination_name, 'status', r.status,
                    'errorMessage', r.error_message) order by r.destination_name), '[]')
             from releases r where r.release_intent_id = i.id) as releases,
          ${POLICIES('i.project_id')} as policies,
          (select coalesce(json_agg(json_build_object('environment', d.target_environment, 'userId', d.user_id,
                    'username', d.username, 'decision', d.decision, 'bypass', d.bypass, 'comment', d.comment,
                    'decidedAt', d.created_at, 'role', m.role) order by d.created_at, d.user_id), '[]')
             from approval_decisions d
             left join memberships m on m.organisation_id = p.organisation_id and m.user_id = d.user_id
            where d.release_intent_id = i.id) as votes,
          ${DESTINATIONS(
            'i.artifact_id',
            'p.organisation_id',
            `e.name in (select s.environment from stages s where s.release_intent_id = i.id)
             or ${SOAKED_IN('i.project_id')}`,
          )} as destinations`;

/** What stands around a project's gates, as `SurroundingsRow`: members, destinations and the latest 50 artifacts' branches. */
export const SURROUNDINGS = (organisationId: string, projectId: string) => `
  (select coalesce(json_agg(json_build_object('userId', u.id, 'username', u.username, 'role', m.role)
                    order by u.username, u.id), '[]')
             from memberships m join users u on u.id = m.user_id
            where m.organisation_id = ${organisationId}) as members,
          (select coalesce(json_agg(json_build_object('name', e.name, 'destinations',
                    (select count(*) from destinations d where d.environment_id = e.id and d.deleted_at is null))),
                    '[]')
             from environments e where e.organisation_id = ${organisationId}) as environments,
          (select coalesce(json_agg(latest.branch order by latest.created_at desc, latest.id desc)
                    filter (where latest.branch is not null), '[]')
             from (select a.branch, a.created_at, a.id from artifacts a where a.project_id = ${projectId}
                    order by a.created_at desc, a.id desc limit 50) latest) as branches`;
