import { createQueryOptions, useTransport } from '@connectrpc/connect-query';
import { useQueries } from '@tanstack/react-query';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { type Forecast, forecast } from './policy-forecast.ts';

/**
 * What the project's policies say about releasing a branch to these environments, before anybody asks for it: the server's
 * dry run. Empty until it has answered; a failed dry run shows nothing, as the server checks again when it is asked.
 */
export function useForecast(
  project: { readonly organisation: string; readonly project: string },
  environments: readonly string[],
  branch: string | undefined,
): Forecast {
  const transport = useTransport();
  const answers = useQueries({
    queries: environments.map((targetEnvironment) =>
      createQueryOptions(
        PolicyService.method.evaluatePolicies,
        { project, targetEnvironment, branch },
        { transport },
      ),
    ),
  });
  return forecast(answers.flatMap((answer) => answer.data?.evaluations ?? []));
}
