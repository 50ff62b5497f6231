-- In steps: each paragraph is a transaction, because what locks two tables that servers use could stop requests, or be stopped by them.

-- Without statistics of the columns and tables that are new since 0017, plans would read whole tables. Of empty tables it is better to
-- know nothing.
do $$
begin
  if exists (select from releases) then
    analyze releases, stages, artifacts, release_intents, approval_decisions, memberships, places, delivery_runs, live_periods,
            artifact_authors;
  end if;
end
$$;

-- A build may have several active releases by pipelines that deploy to different destinations, which this index refused. Requests
-- lock the artifact instead. It is dropped while servers of the version before still run: they check for an active pipeline release
-- themselves, and only two requests at the same moment could pass.
drop index if exists release_intents_one_pipeline;

-- What is live is kept since 0020; this index told what was deployed last. Servers of the version before look at more rows without it,
-- when a release is requested.
drop index if exists releases_deployed;
