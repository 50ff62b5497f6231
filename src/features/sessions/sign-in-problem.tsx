import { FormError } from '#src/components/form.tsx';
import { problemWords, type SignInProblemAddress } from './problem-words.ts';

export interface SignInProblemProps {
  readonly problem: SignInProblemAddress;
  /** The provider's name for people; undefined when the server has none of that name. */
  readonly providerName: string | undefined;
}

/** Why signing in by a provider came to nothing, and what can be done; with the number under which the server's log has it. */
export function SignInProblem({ problem, providerName }: SignInProblemProps) {
  const { request } = problem;
  return (
    <FormError>
      <p>{problemWords(problem.code, providerName ?? 'the provider')}</p>
      {request && <p className="mt-1 text-xs">Request {request}</p>}
    </FormError>
  );
}
