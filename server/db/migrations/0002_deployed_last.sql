-- What was deployed to a destination last is asked for every destination of an organisation at each request of a release.
create index releases_deployed on releases (destination_id, completed_at desc)
  where status = 'SUCCEEDED' and mode = 'deploy';
