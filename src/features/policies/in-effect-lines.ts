import { MAX_WAITING } from './use-policies.ts';

/** How many members can approve, and whether they are enough. One member is assumed to be the author, as the server's warnings do. */
export function approverLine(members: number, required: number) {
  const approvers = Math.max(0, members - 1);
  const enough = !(required > approvers);
  if (approvers === 0) return { text: 'No member other than the author can approve', enough };
  const count = approvers === 1 ? '1 member' : `${approvers} members`;
  return { text: `${enough ? '' : 'Only '}${count} can approve`, enough };
}

/** `2 releases wait for production`. */
export function waitingLine(count: number, environment: string): string {
  if (count === 0) return `No release waits for ${environment}`;
  if (count === 1) return `1 release waits for ${environment}`;
  return `${count < MAX_WAITING ? count : `${MAX_WAITING} or more`} releases wait for ${environment}`;
}
