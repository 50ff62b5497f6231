-- Fills the authors of the artifacts before 0024. In a transaction of its own, so that annotations go on.
insert into artifact_authors (artifact_id, user_id)
select a.id, a.created_by from artifacts a
union
select a.id, n.user_id from artifacts a cross join lateral source_users(a) as n (user_id)
on conflict do nothing;
