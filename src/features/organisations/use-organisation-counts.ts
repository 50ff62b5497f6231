import { useQuery } from '@connectrpc/connect-query';
import {
  type ListMyOrganisationsResponse,
  OrganisationService,
} from '#src/gen/forest/v1/organisations_pb.ts';
import { polling } from '#src/lib/polling.ts';

/** Time between two polls of the counts, in milliseconds. */
const POLL_INTERVAL = 30_000;

export const organisationsMethod = OrganisationService.method.listMyOrganisations;
export const organisationsInput = { role: '' };

/** How much there is in an organisation. */
export interface OrganisationCounts {
  readonly projects: number;
  readonly failed: number;
}

/** Plain data, so that an unchanged poll renders nothing. */
const countsById = ({ organisations, counts }: ListMyOrganisationsResponse) =>
  Object.fromEntries(
    organisations.map(({ organisationId }, index): [string, OrganisationCounts] => {
      const { projects = 0, failed = 0 } = counts[index] ?? {};
      return [organisationId, { projects, failed }];
    }),
  );

/** What there is in each of the caller's organisations, by the organisation's id. */
export const useOrganisationCounts = () =>
  useQuery(organisationsMethod, organisationsInput, {
    ...polling(() => false, POLL_INTERVAL),
    select: countsById,
  });
