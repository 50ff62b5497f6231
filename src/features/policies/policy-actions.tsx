import { type ReactNode, useState } from 'react';
import { ConfirmDialog } from '#src/components/confirm-dialog.tsx';
import { announce } from '#src/components/toast.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { ProjectRef } from '#src/config/paths.ts';
import type { Policy } from '#src/gen/forest/v1/policies_pb.ts';
import type { BoardWaiting } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { targetOf } from './policy-types.ts';
import { MAX_WAITING, useLoadWaiting, usePolicyMutations } from './use-policies.ts';

/** Releases that wait at the policy's gate, or why they are not known. */
type Waiting = readonly BoardWaiting[] | { readonly problem: string };

type Question = 'disable' | 'delete';

export interface PolicyActions {
  /** Enables the policy; disables it, after a question when releases wait for its environment. */
  readonly toggle: () => void;
  readonly askDelete: () => void;
  /** The action under way. */
  readonly pending: Question | 'enable' | null;
  /** Why the last toggle failed; empty otherwise. */
  readonly problem: string;
  /** The open question, to be rendered. */
  readonly dialog: ReactNode;
}

interface Done {
  readonly onToggled?: () => unknown;
  readonly onDeleted?: () => void;
}

/** **Disable** or **Enable**, and **Delete**, of a policy, with their questions. */
export function usePolicyActions(project: ProjectRef, policy: Policy, done: Done = {}): PolicyActions {
  const { update, remove } = usePolicyMutations();
  const { name, enabled } = policy;
  const loadWaiting = useLoadWaiting(project, targetOf(policy));
  const [loading, setLoading] = useState<Question | null>(null);
  const [question, setQuestion] = useState<{ is: Question; waiting: Waiting } | null>(null);

  const ask = async (is: Question) => {
    if (loading) return;
    setLoading(is);
    const waiting: Waiting = enabled
      ? await loadWaiting().catch((error) => ({ problem: describeError(error).message }))
      : [];
    setLoading(null);
    if (is === 'disable' && 'length' in waiting && waiting.length === 0) setEnabled(false);
    else setQuestion({ is, waiting });
  };
  const setEnabled = (to: boolean) => {
    const onSuccess = () => {
      setQuestion(null);
      void done.onToggled?.();
      if (to) announce('Policy enabled');
      else announce('Policy disabled', 'neutral', { label: 'Undo', run: () => setEnabled(true) });
    };
    update.mutate({ project, name, enabled: to }, { onSuccess });
  };
  const confirm = () => {
    if (question?.is !== 'delete') return setEnabled(false);
    const onSuccess = () => {
      setQuestion(null);
      announce('Policy deleted');
      done.onDeleted?.();
    };
    remove.mutate({ project, name }, { onSuccess });
  };
  const mutation = question?.is === 'delete' ? remove : update;

  return {
    toggle: () => (enabled ? void ask('disable') : setEnabled(true)),
    askDelete: () => void ask('delete'),
    pending: loading ?? (update.isPending ? (enabled ? 'disable' : 'enable') : null),
    problem:
      update.error && !question ? `Couldn't change “${name}”. ${describeError(update.error).message}` : '',
    dialog: question && (
      <ConfirmDialog
        title={`${question.is === 'delete' ? 'Delete' : 'Disable'} policy "${name}"?`}
        description={<Consequences policy={policy} {...question} />}
        confirmLabel={`${question.is === 'delete' ? 'Delete' : 'Disable'} policy`}
        failure={`Couldn't ${question.is} “${name}”`}
        mutation={mutation}
        onConfirm={confirm}
        onClose={() => {
          mutation.reset();
          setQuestion(null);
        }}
      />
    ),
  };
}

interface ConsequencesProps {
  readonly policy: Policy;
  readonly is: Question;
  readonly waiting: Waiting;
}

function Consequences({ policy, is, waiting }: ConsequencesProps) {
  const target = targetOf(policy);
  const kept = `Votes and history are kept.${is === 'delete' ? " This can't be undone." : ''}`;
  if (!policy.enabled) return <p>{`The policy is disabled, so no release waits for it. ${kept}`}</p>;
  if ('problem' in waiting) {
    return (
      <>
        <p>{`Couldn't check which releases are waiting for ${target}. ${waiting.problem}`}</p>
        <p className="mt-2">{`Releases blocked only by this policy will continue immediately. ${kept}`}</p>
      </>
    );
  }
  if (waiting.length === 0) return <p>{`No release is waiting for ${target}. ${kept}`}</p>;
  return (
    <>
      <p>{`${waitingCount(waiting.length)} waiting for ${target}:`}</p>
      <ul className="my-2 max-h-40 list-disc overflow-y-auto pl-5 text-ink">
        {waiting.map(({ releaseIntentId, title, slug, version }) => (
          <li key={releaseIntentId}>
            <UserText>{title}</UserText> (<UserText>{version || slug}</UserText>)
          </li>
        ))}
      </ul>
      <p>{`Those that only this policy blocks will continue immediately. ${kept}`}</p>
    </>
  );
}

function waitingCount(count: number): string {
  if (count === 1) return '1 release is';
  return count < MAX_WAITING ? `${count} releases are` : `${MAX_WAITING} or more releases are`;
}
