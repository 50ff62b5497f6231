import type { DescService } from '@bufbuild/protobuf';
import { type Client, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { DestinationService } from '#server/gen/forest/v1/destinations_pb.ts';
import { EnvironmentService } from '#server/gen/forest/v1/environments_pb.ts';
import { OrganisationService } from '#server/gen/forest/v1/organisations_pb.ts';
import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { ReleasePipelineService } from '#server/gen/forest/v1/release_pipelines_pb.ts';
import { ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { ServiceAccountService } from '#server/gen/forest/v1/service_accounts_pb.ts';
import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';

/** Clients of the services, with one user's credentials or none. */
export interface Api {
  readonly sessions: Client<typeof SessionService>;
  readonly users: Client<typeof UsersService>;
  readonly organisations: Client<typeof OrganisationService>;
  readonly environments: Client<typeof EnvironmentService>;
  readonly destinations: Client<typeof DestinationService>;
  readonly pipelines: Client<typeof ReleasePipelineService>;
  readonly policies: Client<typeof PolicyService>;
  readonly releases: Client<typeof ReleaseService>;
  readonly serviceAccounts: Client<typeof ServiceAccountService>;
}

function transportTo(url: string, token: string | null): Transport {
  const authorise: Interceptor = (next) => (request) => {
    if (token !== null) request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
  return createConnectTransport({ baseUrl: url, httpVersion: '1.1', interceptors: [authorise] });
}

/** The API at `url` (without a trailing slash), called with a bearer token or without credentials. */
export function apiAt(url: string, token: string | null = null): Api {
  const transport = transportTo(url, token);
  const client = <Service extends DescService>(service: Service) => createClient(service, transport);
  return {
    sessions: client(SessionService),
    users: client(UsersService),
    organisations: client(OrganisationService),
    environments: client(EnvironmentService),
    destinations: client(DestinationService),
    pipelines: client(ReleasePipelineService),
    policies: client(PolicyService),
    releases: client(ReleaseService),
    serviceAccounts: client(ServiceAccountService),
  };
}

/** Signs in with a password, as a command-line client does, and returns the API with that user's token. */
export async function signedIn(url: string, username: string, password: string): Promise<Api> {
  const { tokens } = await apiAt(url).users.login({
    identifier: { case: 'username', value: username },
    password,
  });
  if (tokens === undefined) throw new Error(`Login returned no token for ${username}`);
  return apiAt(url, tokens.accessToken);
}
