-- What waits for a user.

create index stages_plans_waiting on stages (organisation_id, queued_at, release_intent_id, id)
  where type = 'plan' and status = 'AWAITING_APPROVAL' and plan_approval = 'AWAITING';

-- Since when the approvals of a release for an environment count, unless they may be older: after a rollback of it by another release,
-- or after a newer build of another branch went live there, somebody has to look again.
create function approvals_renewed(intent uuid, environment text) returns bigint language sql stable as $$
  select greatest(
    (select max(h.began_moment) from holds h
      where h.project_id = i.project_id and h.environment = approvals_renewed.environment and h.release_intent_id <> i.id),
    (select max(l.began_moment)
       from environments e
       join destinations d on d.environment_id = e.id and d.deleted_at is null
       join live_periods l on l.destination_id = d.id and l.project_id = i.project_id and l.build_order > a.build_order
       join artifacts b on b.id = l.artifact_id and b.branch <> a.branch
      where e.organisation_id = p.organisation_id and e.name = approvals_renewed.environment))
    from release_intents i
    join artifacts a on a.id = i.artifact_id
    join projects p on p.id = i.project_id
   where i.id = intent
$$;
