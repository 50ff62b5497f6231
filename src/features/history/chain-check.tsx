import { callUnaryMethod, useTransport } from '@connectrpc/connect-query';
import { CircleCheck } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { CopyButton } from '#src/components/copy-button.tsx';
import { Section } from '#src/components/section.tsx';
import { ActionError } from '#src/components/states.tsx';
import { PolicyService, type VerifyHistoryResponse } from '#src/gen/forest/v1/policies_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { inEntries } from './use-download.ts';

type State =
  | { readonly is: 'idle' | 'checking' }
  | { readonly is: 'checked'; readonly found: VerifyHistoryResponse }
  | { readonly is: 'failed'; readonly why: string };

/** Whether the history is as it was written: asked for by hand, as the server reads all of it for that. For admins. */
export function ChainCheck({ organisation }: { readonly organisation: string }) {
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
        if (!controller.signal.aborted) setState({ is: 'failed', why: describeError(error).message });
      },
    );
  };

  return (
    <Section
      title="The record"
      actions={
        <Button onClick={check} pending={state.is === 'checking'}>
          Check the record
        </Button>
      }
    >
      <div className="flex flex-col gap-2 text-sm">
        <p className="text-muted">
          Each entry carries the hash of the one before it, so that one that was changed, added or taken out
          later is found. Keep the head below somewhere else: only with it a record that was written anew as a
          whole is found.
        </p>
        <div role="status" className="empty:absolute">
          {state.is === 'checking' && 'Every entry is being checked…'}
          {state.is === 'checked' && state.found.ok && <Whole found={state.found} />}
        </div>
        {state.is === 'checked' && !state.found.ok && (
          <ActionError>
            The record does not fit: {state.found.problem}.{' '}
            {state.found.entries > 0n && `Up to entry ${state.found.entries} everything fits.`}
          </ActionError>
        )}
        {state.is === 'failed' && <ActionError>The record was not checked. {state.why}</ActionError>}
      </div>
    </Section>
  );
}

function Whole({ found }: { readonly found: VerifyHistoryResponse }) {
  const head = `${found.entries} ${found.headHash}`;
  return (
    <div className="flex flex-col gap-1">
      <p className="flex items-center gap-1.5 font-medium text-passed">
        <CircleCheck aria-hidden size={16} className="shrink-0" />
        Checked: {inEntries(Number(found.entries))} {found.entries === 1n ? 'fits' : 'fit'}.
      </p>
      <p className="flex flex-wrap items-center gap-1 wrap-anywhere">
        Head: <code className="font-mono text-xs">{head}</code>
        <CopyButton text={head} label="Copy head" />
      </p>
    </div>
  );
}
