import { useQuery } from '@connectrpc/connect-query';
import { useEffect, useState } from 'react';
import { Badge } from '#src/components/badge.tsx';
import { Field, Input } from '#src/components/field.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { ProjectRef } from '#src/config/paths.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { type BranchPatterns, loadBranchPatterns } from './branch-pattern.ts';
import { matchSentence, recentBranches } from './recent-branches.ts';

export interface BranchTrialProps {
  readonly project: ProjectRef;
  readonly pattern: string;
}

/** Tests branches against the pattern in the form, with the gate's engine: recent ones, and one that is typed. */
export function BranchTrial({ project, pattern }: BranchTrialProps) {
  const [branch, setBranch] = useState('');
  const [patterns, setPatterns] = useState<BranchPatterns | 'failed' | null>(null);
  const needed = branch !== '' || pattern !== '';
  // biome-ignore lint/correctness/useExhaustiveDependencies: typing again loads it again after a failure.
  useEffect(() => {
    if (!needed || (patterns && patterns !== 'failed')) return;
    let gone = false;
    loadBranchPatterns().then(
      (loaded) => !gone && setPatterns(loaded),
      () => !gone && setPatterns('failed'),
    );
    return () => {
      gone = true;
    };
  }, [needed, branch]);
  return (
    <div className="flex flex-col gap-1">
      <Field label="Try a branch" hint="Shows whether releases from this branch would pass. Not saved.">
        {(control) => (
          <Input
            {...control}
            placeholder="main"
            autoCapitalize="none"
            spellCheck={false}
            value={branch}
            onChange={(event) => setBranch(event.target.value)}
          />
        )}
      </Field>
      <div role="status">{branch && <Verdict patterns={patterns} pattern={pattern} branch={branch} />}</div>
      {patterns && patterns !== 'failed' && pattern && (
        <RecentBranches project={project} pattern={pattern} patterns={patterns} />
      )}
    </div>
  );
}

interface RecentBranchesProps extends BranchTrialProps {
  readonly patterns: BranchPatterns;
}

/** Which branches of the latest builds the pattern matches; nothing while it is invalid or there are none. */
function RecentBranches({ project, pattern, patterns }: RecentBranchesProps) {
  const { data } = useQuery(ReleaseService.method.getArtifactsByProject, { project, pageSize: 50 });
  const branches = recentBranches(data?.artifact ?? []);
  if (branches.length === 0 || patterns.compiles(pattern) !== null) return null;
  const matching = branches.filter((branch) => patterns.passes(pattern, branch));
  return (
    <p className="text-xs text-muted wrap-anywhere">
      <UserText>{matchSentence(matching, branches.length)}</UserText>
    </p>
  );
}

interface VerdictProps {
  readonly patterns: BranchPatterns | 'failed' | null;
  readonly pattern: string;
  readonly branch: string;
}

function Verdict({ patterns, pattern, branch }: VerdictProps) {
  if (patterns === 'failed')
    return <Badge tone="failed">Couldn't load the pattern checker. Type again to retry.</Badge>;
  if (!patterns) return <Badge>Checking…</Badge>;
  if (!pattern) return <Badge>Enter a pattern first</Badge>;
  const error = patterns.compiles(pattern);
  if (error !== null) return <Badge tone="failed">{`Invalid pattern: ${error}`}</Badge>;
  return patterns.passes(pattern, branch) ? (
    <Badge tone="passed">{`“${branch}” would pass`}</Badge>
  ) : (
    <Badge tone="failed">{`“${branch}” would be blocked`}</Badge>
  );
}
