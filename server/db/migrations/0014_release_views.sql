-- What several statements read of releases, defined once, with the names that the server uses. Later migrations may add columns
-- at the end; statements name the columns that they read, so that servers of earlier versions continue to work.

-- The members whom an artifact's source names: by id, username or address, in any case.
create view artifact_source_members as
  select a.id as artifact_id, n.id as user_id, n.username
    from artifacts a
    join projects p on p.id = a.project_id
    join users n on n.id = a.source_user_id
         or (n.kind = 'person' and lower(n.username) in (lower(btrim(a.source_user)), lower(btrim(a.source_email))))
         or lower(n.email) in (lower(btrim(a.source_user)), lower(btrim(a.source_email)))
    join memberships m on m.organisation_id = p.organisation_id and m.user_id = n.id;

-- The authors of a release: who requested it; who is named as the artifact's source; and, where a service account requested it,
-- who annotated the artifact. Users who are merely named by username or address are authors while they are members.
create view release_authors as
  select i.id as release_intent_id, n.id as user_id, n.username
    from release_intents i
    join artifacts a on a.id = i.artifact_id
    join projects p on p.id = i.project_id
    join users u on u.id = i.actor_id
    join users n on n.id = i.actor_id or n.id = a.source_user_id or (n.id = a.created_by and u.kind = 'service')
         or (n.kind = 'person' and lower(n.username) in (lower(btrim(a.source_user)), lower(btrim(a.source_email))))
         or lower(n.email) in (lower(btrim(a.source_user)), lower(btrim(a.source_email)))
   where n.id in (i.actor_id, a.source_user_id, a.created_by)
      or exists (select from memberships m where m.organisation_id = p.organisation_id and m.user_id = n.id);

-- A release intent with what it belongs to, its stages in the order of the pipeline, and its deliveries ("steps").
create view release_intent_states as
  select i.id, p.organisation_id as "organisationId", i.project_id as "projectId", p.name as project,
         i.artifact_id as "artifactId", a.slug, a.title, a.branch, a.commit_sha as "commitSha", a.version,
         i.actor_id as "actorId", u.username as "actorUsername",
         (select coalesce(json_agg(json_build_object('userId', r.user_id, 'username', r.username)
                                   order by r.user_id <> i.actor_id, r.username, r.user_id), '[]')
            from release_authors r where r.release_intent_id = i.id) as authors,
         i.force, i.prepare_only as "prepareOnly", i.status, i.error_message as "errorMessage",
         i.wanted_generation as "wantedGeneration", i.seen_generation as "seenGeneration",
         i.next_check_at as "nextCheckAt", i.created_at as "createdAt", i.completed_at as "completedAt",
         (select coalesce(json_agg(json_build_object('id', s.id, 'type', s.type, 'dependsOn', s.depends_on,
                   'environment', s.environment, 'durationSeconds', s.duration_seconds,
                   'autoApprove', s.auto_approve, 'onlyDestinations', s.only_destinations, 'status', s.status,
                   'reason', s.reason, 'errorMessage', s.error_message, 'queuedAt', s.queued_at,
                   'startedAt', s.started_at, 'completedAt', s.completed_at, 'waitUntil', s.wait_until,
                   'nextCheckAt', s.next_check_at, 'planApproval', s.plan_approval) order by s.position), '[]')
            from stages s where s.release_intent_id = i.id) as stages,
         (select coalesce(json_agg(json_build_object('id', r.id, 'stageId', r.stage_id,
                   'destinationId', r.destination_id, 'destinationName', r.destination_name,
                   'environment', r.environment, 'status', r.status, 'mode', r.mode, 'attempt', r.attempt,
                   'destinationType', d.type_organisation || '/' || d.type_name || '@' || d.type_version,
                   'errorMessage', r.error_message, 'queuedAt', r.queued_at, 'assignedAt', r.assigned_at,
                   'startedAt', r.started_at, 'completedAt', r.completed_at)
                   order by r.queued_at, r.destination_name), '[]')
            from releases r join destinations d on d.id = r.destination_id
           where r.release_intent_id = i.id) as steps
    from release_intents i
    join projects p on p.id = i.project_id
    join artifacts a on a.id = i.artifact_id
    join users u on u.id = i.actor_id;

-- What surrounds the gates of a project: its enabled policies, the organisation's members, its environments with the number of
-- their destinations, and the branches of the latest 50 artifacts, newest first.
create view project_gates as
  select p.id as project_id,
         (select coalesce(json_agg(json_build_object('id', pol.id, 'name', pol.name, 'type', pol.type,
                   'targetEnvironment', pol.target_environment, 'config', pol.config)), '[]')
            from policies pol where pol.project_id = p.id and pol.enabled) as policies,
         (select coalesce(json_agg(json_build_object('userId', u.id, 'username', u.username, 'role', m.role)
                                   order by u.username, u.id), '[]')
            from memberships m join users u on u.id = m.user_id
           where m.organisation_id = p.organisation_id) as members,
         (select coalesce(json_agg(json_build_object('name', e.name, 'destinations',
                   (select count(*) from destinations d where d.environment_id = e.id and d.deleted_at is null))), '[]')
            from environments e where e.organisation_id = p.organisation_id) as environments,
         (select coalesce(json_agg(latest.branch order by latest.created_at desc, latest.id desc)
                            filter (where latest.branch is not null), '[]')
            from (select a.branch, a.created_at, a.id from artifacts a where a.project_id = p.id
                   order by a.created_at desc, a.id desc limit 50) latest) as branches
    from projects p;

-- Every destination that an artifact can go to, and when it last arrived there. An environment without destinations has one row.
create view artifact_arrivals as
  select a.id as artifact_id, e.name as environment, d.id as destination_id, d.name as destination_name,
         (select max(r.completed_at) from releases r
           where r.artifact_id = a.id and r.destination_id = d.id and r.status = 'SUCCEEDED' and r.mode = 'deploy'
         ) as last_succeeded_at
    from artifacts a
    join projects p on p.id = a.project_id
    join environments e on e.organisation_id = p.organisation_id
    left join destinations d on d.environment_id = e.id and d.deleted_at is null;

-- The environments that policies of a project soak in.
create view soak_sources as
  select project_id, config ->> 'sourceEnvironment' as environment from policies where enabled and type = 'soak_time';

-- A release intent with everything that decides over its gates.
create view release_intent_facts as
  select s.*, g.policies,
         (select coalesce(json_agg(json_build_object('environment', d.target_environment, 'userId', d.user_id,
                   'username', d.username, 'decision', d.decision, 'bypass', d.bypass, 'comment', d.comment,
                   'decidedAt', d.created_at, 'role', m.role) order by d.created_at, d.user_id), '[]')
            from approval_decisions d
            left join memberships m on m.organisation_id = s."organisationId" and m.user_id = d.user_id
           where d.release_intent_id = s.id) as votes,
         (select coalesce(json_agg(json_build_object('environment', r.environment, 'id', r.destination_id,
                   'name', r.destination_name, 'lastSucceededAt', r.last_succeeded_at) order by r.destination_name), '[]')
            from artifact_arrivals r
           where r.artifact_id = s."artifactId"
             and (r.environment in (select t.environment from stages t where t.release_intent_id = s.id)
                  or r.environment in (select c.environment from soak_sources c where c.project_id = s."projectId"))
         ) as destinations
    from release_intent_states s
    join project_gates g on g.project_id = s."projectId";
