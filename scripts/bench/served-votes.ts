import { Agent, request } from 'node:http';
import type { ApprovalsWorld, Voter } from './approvals-world.ts';

/** ApproveRelease as a client calls it: JSON over one kept connection. Answers a function that votes once. */
export function servedVoter(
  url: string,
  world: ApprovalsWorld,
  voter: Voter,
): { vote(comment: string): Promise<void>; end(): Promise<void> } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${voter.token}` };
  const { releaseIntentId } = voter;
  return {
    vote: (comment) =>
      new Promise((done, failed) => {
        const body = JSON.stringify({
          project: world.project,
          releaseIntentId,
          targetEnvironment: 'production',
          comment,
        });
        const options = {
          method: 'POST',
          agent,
          headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        };
        const sent = request(`${url}/forest.v1.PolicyService/ApproveRelease`, options, (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () => {
            if (answer.statusCode === 200) done();
            else failed(new Error(`ApproveRelease answered ${answer.statusCode}: ${Buffer.concat(chunks)}`));
          });
        });
        sent.on('error', failed);
        sent.end(body);
      }),
    async end() {
      agent.destroy();
    },
  };
}
