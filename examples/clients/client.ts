// Prints the active releases of a project.
import { createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { ReleaseService } from './gen/forest/v1/releases_pb.ts';

const [organisation = '', project = ''] = process.argv.slice(2);
const authenticate: Interceptor = (next) => (request) => {
  request.header.set('authorization', `Bearer ${process.env.FORAGE_TOKEN}`);
  return next(request);
};
const transport = createConnectTransport({
  baseUrl: process.env.FORAGE_URL ?? '',
  httpVersion: '1.1',
  interceptors: [authenticate],
});
const { releaseIntents } = await createClient(ReleaseService, transport).getReleaseIntentStates({
  organisation,
  project,
});
for (const { releaseIntentId, slug, stages } of releaseIntents) {
  const reasons = stages.flatMap(({ stageId, reason }) => (reason ? [`${stageId}: ${reason}`] : []));
  console.log(releaseIntentId, slug, reasons.join('; '));
}
