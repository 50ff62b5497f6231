-- In steps: each paragraph is a transaction, because what locks two tables that servers use could stop requests, or be stopped by them.

-- The commits that builds add, as their CI lists them: newest first, after `base_sha`.
create table if not exists artifact_commits (
  artifact_id uuid primary key references artifacts (id) on delete cascade,
  base_sha text,
  -- [{sha, title, authorName, authorEmail, url, pullRequestUrl, committedAt, coAuthors}]
  commits jsonb not null
);

-- Addresses of repositories contain no credentials: those of earlier annotations and projects lose theirs.
update artifacts set repo_url = regexp_replace(repo_url, '^((?:https?|git)://)[^/?#]*@', '\1', 'i')
 where repo_url ~* '^(https?|git)://[^/?#]*@';

update projects set git_url = regexp_replace(git_url, '^((?:https?|git)://)[^/?#]*@', '\1', 'i')
 where git_url ~* '^(https?|git)://[^/?#]*@';
