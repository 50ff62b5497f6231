import { callUnaryMethod, useTransport } from '@connectrpc/connect-query';
import { CircleCheck } from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { CopyButton } from '#src/components/copy-button.tsx';
import { ActionError } from '#src/components/states.tsx';
import { PolicyService, type VerifyHistoryResponse } from '#src/gen/forest/v1/policies_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { entryCount } from './use-download.ts';

type State =
  | { readonly is: 'idle' | 'checking' }
  | { readonly is: 'checked'; readonly found: VerifyHistoryResponse }
  | { readonly is: 'failed'; readonly reason: string };

export interface ChainCheck {
  readonly checking: boolean;
  readonly check: () => void;
  /** What was found, to be rendered. */
  readonly result: ReactNode;
}

/** For admins: verifies the hash chain. On demand only, because the server reads the whole history. */
export function useChainCheck(organisation: string): ChainCheck {
  const transport = useTransport();
  const [state, setState] = useState<State>({ is: 'idle' });
  const abort = useRef<AbortController | null>(null);
  useEffect(() => () => abort.current?.abort(), []);

  const check = () => {
    const controller = new AbortController();
    abort.current = controller;
    setState({ is: 'checking' });
    const { verifyHistory } = PolicyService.method;
    callUnaryMethod(transport, verifyHistory, { organisation }, { signal: controller.signal }).then(
      (found) => setState({ is: 'checked', found }),
      (error) => {
        if (!controller.signal.aborted) setState({ is: 'failed', reason: describeError(error).message });
      },
    );
  };

  return { checking: state.is === 'checking', check, result: <Result state={state} /> };
}

function Result({ state }: { readonly state: State }) {
  return (
    <>
      <div role="status" className="empty:absolute">
        {state.is === 'checking' && 'Verifying every entry…'}
        {state.is === 'checked' && state.found.ok && <Verified found={state.found} />}
      </div>
      {state.is === 'checked' && !state.found.ok && (
        <ActionError>
          {`History verification failed: ${state.found.problem}.`}
          {state.found.entries > 0n && ` Entries up to ${state.found.entries} are valid.`}
        </ActionError>
      )}
      {state.is === 'failed' && <ActionError>{`Couldn't verify the history. ${state.reason}`}</ActionError>}
    </>
  );
}

function Verified({ found }: { readonly found: VerifyHistoryResponse }) {
  const head = `${found.entries} ${found.headHash}`;
  return (
    <div className="flex flex-col gap-1">
      <p className="flex items-center gap-1.5 font-medium text-passed">
        <CircleCheck aria-hidden size={16} className="shrink-0" />
        Verified {entryCount(Number(found.entries))}.
      </p>
      <p className="flex flex-wrap items-center gap-1 wrap-anywhere">
        Head: <code className="font-mono text-xs">{head}</code>
        <CopyButton text={head} label="Copy head" />
      </p>
      <p className="text-muted">
        Store this hash outside Forage. Without it, a completely rewritten history can't be detected.
      </p>
    </div>
  );
}
