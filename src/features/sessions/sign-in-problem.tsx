import { FormError } from '#src/components/form.tsx';
import { problemMessage, type SignInProblemAddress } from './sign-in-problems.ts';

export interface SignInProblemProps {
  readonly problem: SignInProblemAddress;
  /** The provider's display name; undefined for an unknown provider. */
  readonly providerName: string | undefined;
}

/** Why a sign-in with a provider failed, with the request id for the server's log. */
export function SignInProblem({ problem, providerName }: SignInProblemProps) {
  const { request } = problem;
  return (
    <FormError>
      <p>{problemMessage(problem.code, providerName ?? 'the provider')}</p>
      {request && <p className="mt-1 text-xs">Request ID {request}</p>}
    </FormError>
  );
}
