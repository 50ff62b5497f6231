-- For the metrics: stages that a soak or a branch holds at a gate, which have been queued. Nothing in the index changes with
-- a vote; those that wait for approvals have an index already.
create index stages_held on stages (queued_at)
  where type = 'deploy' and status = 'PENDING' and queued_at is not null;
