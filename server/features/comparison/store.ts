import type { CommitRange } from '#domain/release/commit-range.ts';
import { statement } from '#server/db/database.ts';
import type { CommitJson } from '#server/features/artifacts/rows.ts';
import type { PlaceJson } from '#server/features/gate/rows.ts';

/* Timestamps within JSON are RFC 3339 text. */

export interface ComparedBuild {
  readonly order: number;
  readonly commitSha: string;
  /** The address of its repository; null when it is not known. */
  readonly repoUrl: string | null;
}

export interface ComparedPlace extends Pick<PlaceJson, 'name' | 'live' | 'doubt' | 'failures'> {
  /** Those in which the build, or an equal one, was live here. */
  readonly periods: readonly { readonly endedAt: string | null }[];
}

export interface BuildJson {
  readonly artifactId: string;
  readonly slug: string;
  readonly title: string;
  readonly version: string | null;
  readonly branch: string | null;
  readonly commitSha: string;
  readonly annotatedAt: string;
}

export interface ContributorJson {
  readonly name: string;
  readonly email: string | null;
  readonly userId: string | null;
  readonly username: string | null;
}

export interface ComparisonRow {
  /** Whether the organisation has such an environment. */
  readonly known: boolean;
  /** Null when no build is compared. */
  readonly build: ComparedBuild | null;
  readonly places: readonly ComparedPlace[];
  readonly builds: readonly BuildJson[];
  readonly ranges: readonly CommitRange[];
  readonly commits: readonly CommitJson[];
  readonly commitsTotal: number;
  readonly contributors: readonly ContributorJson[];
}

/**
 * A build and what the places of an environment run of its project. Of several live builds the comparison is with the one that
 * makes the largest difference: the newest if the build is older than that one, else the oldest. `between` has the builds that
 * are newer than the older of the two, up to the newer one, of its branch or without one; of builds of one commit only one is
 * listed.
 */
export const findComparison = statement<
  [
    organisationId: string,
    projectId: string,
    artifactId: string | null,
    environment: string,
    destinations: readonly string[] | null,
  ],
  ComparisonRow
>(
  'comparison.find',
  `with build as (
     select a.id, a.build_order, a.commit_sha, coalesce(nullif(a.repo_url, ''), nullif(p.git_url, '')) as repo_url
       from artifacts a join projects p on p.id = a.project_id
      where a.id = $3::uuid and a.project_id = $2
   ), place as (
     select q.destination_name as name, q.live, q.live_artifact_id, q.doubt, q.failures,
            l.build_order as live_order, l.commit_sha as live_commit, l.branch as live_branch,
            (select coalesce(json_agg(json_build_object('endedAt', was.ended_at)), '[]')
               from (select w.ended_at from live_periods w, build b
                      where w.destination_id = q.destination_id and w.project_id = $2 and w.build_order = b.build_order
                      order by w.began_moment desc limit 50) was) as periods
       from place_states q
       left join artifacts l on l.id = q.live_artifact_id
      where q.project_id = $2 and q.environment = $4 and ($5::text[] is null or q.destination_name = any ($5))
   ), newest as (
     select b.build_order, b.commit_sha, a.branch from build b join artifacts a on a.id = b.id
     union all
     select live_order, live_commit, live_branch from place where live_order is not null
      order by build_order desc limit 1
   ), oldest as (
     select b.build_order, b.commit_sha from build b
      where exists (select from place where live_order > b.build_order)
     union all
     select * from (select live_order, live_commit from place, build b where live_order <= b.build_order
                     order by live_order limit 1) live
      where not exists (select from place, build b where live_order > b.build_order)
   ), between_them as (
     select a.* from newest n left join oldest o on true
       join artifacts a on a.project_id = $2 and a.build_order <= n.build_order
                       and a.build_order > coalesce(o.build_order, n.build_order - 1)
      where $3 is not null and (a.branch = n.branch) is not false
      order by a.build_order desc, a.id = $3 desc, a.id desc limit 100
   ), listed as (
     select b.id, b.build_order, b.commit_sha, ac.base_sha, c.commit, c.n, c.cut
       from between_them b
       join artifact_commits ac on ac.artifact_id = b.id
       left join lateral (
         select e.commit, e.n, min(e.n) filter (where e.commit ->> 'sha' = (select o.commit_sha from oldest o)) over () as cut
           from jsonb_array_elements(ac.commits) with ordinality e (commit, n)) c on true
   ), distinct_commits as (
     select distinct on (commit ->> 'sha') commit, build_order, id, n from listed
      where n < coalesce(cut, n + 1)
      order by commit ->> 'sha', build_order desc, id desc, n
   ), shown as (
     select * from distinct_commits order by build_order desc, id desc, n limit 500
   ), people as (
     select commit ->> 'authorName' as name, commit ->> 'authorEmail' as email from shown
     union all
     select nullif(btrim(split_part(co, '<', 1)), ''), nullif(btrim(split_part(co, '<', 2), '> '), '')
       from shown cross join lateral jsonb_array_elements_text(commit -> 'coAuthors') co
   ), contributors as (
     select coalesce(min(x.name), u.username, min(x.email)) as name, min(x.email) as email, u.id as "userId", u.username,
            count(*) as commits
       from people x
       left join lateral (
         select n.id, n.username
           from (select id, 1 as rank from users where lower(email) = lower(x.email)
                 union all
                 select user_id, 2 from commit_addresses where lower(address) = lower(x.email)
                 union all
                 select id, 3 from users where kind = 'person' and lower(username) = lower(x.name)) found
           join users n on n.id = found.id
           join memberships m on m.user_id = n.id and m.organisation_id = $1
          order by found.rank, n.username limit 1) u on true
      where x.name is not null or x.email is not null
      group by u.id, u.username, case when u.id is null then coalesce(lower(x.email), lower(x.name)) end
      order by commits desc, name limit 500
   )
   select exists (select from environments e where e.organisation_id = $1 and e.name = $4) as known,
          (select json_build_object('order', b.build_order, 'commitSha', b.commit_sha, 'repoUrl', b.repo_url)
             from build b) as build,
          (select coalesce(json_agg(json_build_object('name', p.name, 'live', p.live, 'doubt', p.doubt,
                    'failures', p.failures, 'periods', p.periods) order by p.name), '[]') from place p) as places,
          (select coalesce(json_agg(json_build_object('artifactId', b.id, 'slug', b.slug, 'title', b.title,
                    'version', b.version, 'branch', b.branch, 'commitSha', b.commit_sha, 'annotatedAt', b.created_at)
                    order by b.build_order desc), '[]')
             from (select distinct on (a.build_order) a.* from between_them a
                    order by a.build_order, a.id = $3 desc,
                             exists (select from place p where p.live_artifact_id = a.id) desc, a.id desc) b
          ) as builds,
          (select coalesce(json_agg(json_build_object('commit', r.commit_sha, 'base', r.base_sha, 'reaches', r.reaches)), '[]')
             from (select commit_sha, base_sha, bool_or(cut is not null) as reaches from listed
                    group by id, commit_sha, base_sha) r) as ranges,
          (select coalesce(json_agg(s.commit order by s.build_order desc, s.id desc, s.n), '[]') from shown s) as commits,
          (select count(*) from distinct_commits) as "commitsTotal",
          (select coalesce(json_agg(c order by c.commits desc, c.name), '[]') from contributors c) as contributors`,
);
