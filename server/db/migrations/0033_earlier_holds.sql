-- In steps: each paragraph is a transaction, because what locks two tables that servers use could stop requests, or be stopped by them.

-- The hold of an earlier rollback goes on when only the last one's has ended.
create or replace view release_intent_facts as
  select s.id, s."organisationId", s."projectId", s.project, s."artifactId", s.slug, s.title, s.branch, s."commitSha", s.version,
         s."actorId", s."actorUsername", s.authors, s.force, s."prepareOnly", s.status, s."errorMessage", s."wantedGeneration",
         s."seenGeneration", s."nextCheckAt", s."createdAt", s."completedAt", s.stages, s.steps, g.policies,
         (select coalesce(json_agg(json_build_object('environment', d.target_environment, 'userId', d.user_id,
                   'username', d.username, 'decision', d.decision, 'bypass', d.bypass, 'comment', d.comment,
                   'decidedAt', d.created_at, 'role', m.role, 'moment', moment_of(d.moment, d.created_at),
                   'memberSince', coalesce(m.moment, 0),
                   'adminSince', case when m.role = 'admin' then coalesce(m.admin_moment, 0) end)
                   order by d.created_at, d.user_id), '[]')
            from approval_decisions d
            left join memberships m on m.organisation_id = s."organisationId" and m.user_id = d.user_id
           where d.release_intent_id = s.id) as votes,
         (select coalesce(json_agg(json_build_object('environment', r.environment, 'id', r.destination_id,
                   'name', r.destination_name, 'lastSucceededAt', r.last_succeeded_at) order by r.destination_name), '[]')
            from artifact_arrivals r
           where r.artifact_id = s."artifactId"
             and (r.environment in (select t.environment from stages t where t.release_intent_id = s.id)
                  or r.environment in (select c.environment from soak_sources c where c.project_id = s."projectId"))
         ) as destinations,
         s.moment, s."buildOrder", s."actorKind",
         (select coalesce(json_agg(json_build_object('environment', e.environment, 'places', e.places)), '[]')
            from build_environments e
           where e.artifact_id = s."artifactId"
             and (e.environment in (select t.environment from stages t where t.release_intent_id = s.id)
                  or e.environment in (select c.environment from soak_sources c where c.project_id = s."projectId"))
         ) as places,
         -- The last rollbacks of each environment by this release, and by others: of those that hold, and of those that no longer do.
         (select coalesce(json_agg(json_build_object('environment', h.environment, 'intentId', h.release_intent_id,
                   'slug', b.slug, 'order', h.build_order, 'username', h.username, 'beganAt', h.began_at,
                   'moment', h.began_moment, 'endedAt', h.ended_at)), '[]')
            from (select distinct on (h.environment, h.release_intent_id = s.id, h.ended_at is null) h.*
                    from holds h
                   where h.project_id = s."projectId"
                     and h.environment in (select t.environment from stages t where t.release_intent_id = s.id)
                   order by h.environment, h.release_intent_id = s.id, h.ended_at is null, h.began_moment desc) h
            join artifacts b on b.id = h.artifact_id) as holds
    from release_intent_states s
    join project_gates g on g.project_id = s."projectId";

-- Each waiting release is judged by them at once.
update release_intents i set wanted_generation = i.wanted_generation + 1
  from (select id from release_intents where status = 'ACTIVE' order by id for no key update) waiting
 where i.id = waiting.id;
