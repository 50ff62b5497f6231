import { useQuery } from '@connectrpc/connect-query';
import { ServiceAccountService } from '#src/gen/forest/v1/service_accounts_pb.ts';

export interface CreatedTokens {
  /** With labels such as "deploy of ci". */
  readonly tokens: readonly { readonly tokenId: string; readonly label: string }[];
  /** Whether they could not be loaded. */
  readonly failed: boolean;
  /** Loads them again, after they may have been revoked. */
  readonly reload: () => void;
}

/** The tokens of an organisation's service accounts that a user created; none where the caller, without the admin role, sees none. */
export function useCreatedTokens(
  organisationId: string,
  userId: string | undefined,
  isAdmin: boolean,
): CreatedTokens {
  const { data, isError, refetch } = useQuery(
    ServiceAccountService.method.listServiceAccounts,
    { organisationId },
    { enabled: isAdmin && userId !== undefined },
  );
  const tokens = (data?.serviceAccounts ?? []).flatMap(({ name, tokens }) =>
    tokens
      .filter((token) => token.createdByUserId === userId)
      .map((token) => ({ tokenId: token.tokenId, label: `${token.name} of ${name}` })),
  );
  return { tokens, failed: isError && data === undefined, reload: () => void refetch() };
}
