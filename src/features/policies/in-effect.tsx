import { Link } from 'react-router';
import { UserText } from '#src/components/user-text.tsx';
import { type ProjectRef, paths } from '#src/config/paths.ts';
import { buildName } from '#src/lib/build-words.ts';
import { describeError } from '#src/lib/errors.ts';
import { approverLine, waitingLine } from './in-effect-lines.ts';
import type { PolicyDraft } from './policy-draft.ts';
import { policySentence } from './policy-sentence.ts';
import { useMemberCount, useWaiting } from './use-policies.ts';

export interface InEffectProps {
  readonly project: ProjectRef;
  readonly draft: PolicyDraft;
}

/** What the policy in the form does, in one sentence, and whom and what it concerns now. */
export function InEffect({ project, draft }: InEffectProps) {
  return (
    <div className="self-start rounded-md bg-sunken px-3 py-2 wrap-anywhere">
      <h3 className="font-semibold">In effect</h3>
      <p className="mt-1">
        <UserText>{policySentence(draft)}</UserText>
      </p>
      {(draft.targetEnvironment || draft.type === 'approval') && draft.type && (
        <>
          <h3 className="mt-3 font-semibold">Now</h3>
          {draft.type === 'approval' && <Approvers project={project} draft={draft} />}
          {draft.targetEnvironment && <Waiting project={project} environment={draft.targetEnvironment} />}
        </>
      )}
    </div>
  );
}

function Approvers({ project, draft }: InEffectProps) {
  const members = useMemberCount(project.organisation);
  if (members === undefined) return null;
  const { text, enough } = approverLine(members, Number(draft.requiredApprovals));
  return <p className={enough ? 'mt-1' : 'mt-1 text-waiting'}>{text}</p>;
}

interface WaitingProps {
  readonly project: ProjectRef;
  readonly environment: string;
}

function Waiting({ project, environment }: WaitingProps) {
  const { data: waiting, error } = useWaiting(project, environment);
  if (!waiting) {
    return (
      <p className="mt-1 text-muted">
        {error
          ? `Couldn't check which releases are waiting for ${environment}. ${describeError(error).message}`
          : 'Loading…'}
      </p>
    );
  }
  return (
    <p className="mt-1">
      {waitingLine(waiting.length, environment)}
      {waiting.map(({ releaseIntentId, slug, version }, index) => (
        <span key={releaseIntentId}>
          {index === 0 ? ': ' : ', '}
          {/* In a new tab, because the form must keep what was typed. */}
          <Link
            to={paths.requirements(project.organisation, project.project, slug, releaseIntentId)}
            target="_blank"
          >
            <UserText>{buildName({ version, slug })}</UserText>
            <span className="sr-only"> (opens in a new tab)</span>
          </Link>
        </span>
      ))}
    </p>
  );
}
