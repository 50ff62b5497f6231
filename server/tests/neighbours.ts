import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { ReleaseService, type WaitReleaseEvent } from '#server/gen/forest/v1/releases_pb.ts';
import { eventually, startTestApp, type TestApp, type TestOptions } from './harness.ts';
import type { Person } from './world.ts';

/** Another server on the same database. */
export const beside = (app: TestApp, { config, ...overrides }: TestOptions = {}): Promise<TestApp> =>
  startTestApp({ ...overrides, config: { ...config, databaseUrl: app.databaseUrl } });

/** The same person, who calls another server. */
export const at = (app: TestApp, { token }: Person) => ({
  policies: app.client(PolicyService, { token }),
  releases: app.client(ReleaseService, { token }),
});

/** Follows a release on one server in the background, from its first event on, and keeps what it tells. */
export async function follow(app: TestApp, by: Person, releaseIntentId: string) {
  const events: WaitReleaseEvent['event'][] = [];
  const leave = new AbortController();
  const told = (async () => {
    const stream = at(app, by).releases.waitRelease({ releaseIntentId }, { signal: leave.signal });
    for await (const { event } of stream) events.push(event);
  })();
  told.catch(() => {});
  await eventually(async () => events.length > 0, 'the first event');
  return {
    /** The states of the stage that it was told, in their order. */
    stages: () => events.flatMap((event) => (event.case === 'stageUpdate' ? [event.value.status] : [])),
    /** How many updates of the stage it was told. */
    updates: () => events.filter((event) => event.case === 'stageUpdate').length,
    /** Resolves when the release has ended, as the server tells. */
    told,
    async leave() {
      leave.abort();
      await told.catch(() => {});
    },
  };
}
