-- The values of a destination's secret fields, encrypted together: key id, nonce, ciphertext. What is in `metadata` may be
-- read by whoever reads the database; a server that starts moves secrets that an earlier version left there.
alter table destinations add column secrets text check (secrets like 'v1:%');

-- Uploads that nobody annotated are counted by their user, and removed after a day.
create index artifact_uploads_user on artifact_uploads (created_by);
create index artifact_uploads_created on artifact_uploads (created_at);
