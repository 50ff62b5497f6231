import { type PendingApproval, PendingKind } from '#src/gen/forest/v1/policies_pb.ts';

/** Whether it waits for the verdict on a plan, which is given on the release's page. */
export const isPlan = ({ kind }: Pick<PendingApproval, 'kind'>): boolean => kind === PendingKind.PLAN;
