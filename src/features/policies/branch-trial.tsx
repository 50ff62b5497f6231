import { useEffect, useState } from 'react';
import { Badge } from '#src/components/badge.tsx';
import { Field, Input } from '#src/components/field.tsx';
import { type BranchPatterns, loadBranchPatterns } from './branch-pattern.ts';

/** Tests a branch against the pattern in the form, with the gate's engine. */
export function BranchTrial({ pattern }: { readonly pattern: string }) {
  const [branch, setBranch] = useState('');
  const [patterns, setPatterns] = useState<BranchPatterns | 'failed' | null>(null);
  const needed = branch !== '';
  useEffect(() => {
    if (!needed) return;
    let gone = false;
    loadBranchPatterns().then(
      (loaded) => !gone && setPatterns(loaded),
      () => !gone && setPatterns('failed'),
    );
    return () => {
      gone = true;
    };
  }, [needed]);
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
      <div role="status">{needed && <Verdict patterns={patterns} pattern={pattern} branch={branch} />}</div>
    </div>
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
