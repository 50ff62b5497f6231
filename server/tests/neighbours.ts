import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { ReleaseService, type WaitReleaseEvent } from '#server/gen/forest/v1/releases_pb.ts';
import { eventually, startTestApp, type TestApp, type TestOptions } from './harness.ts';
import type { Person } from './world.ts';

/** Another server on the same database. */
export const beside = (app: TestApp, { config, ...overrides }: TestOptions = {}): Promise<TestApp> =>
  startTestApp({ ...overrides, config: { ...config, databaseUrl: app.databaseUrl } });

/** Clients of the same user for another server. */
export const at = (app: Pick<TestApp, 'client'>, { token }: Person) => ({
  policies: app.client(PolicyService, { token }),
  releases: app.client(ReleaseService, { token }),
});

/** Follows a release on one server in the background and collects its events; resolves after the first. */
export async function follow(app: TestApp, by: Person, releaseIntentId: string) {
  const events: WaitReleaseEvent['event'][] = [];
  const leave = new AbortController();
  const finished = (async () => {
    const stream = at(app, by).releases.waitRelease({ releaseIntentId }, { signal: leave.signal });
    for await (const { event } of stream) events.push(event);
  })();
  finished.catch(() => {});
  await eventually(async () => events.length > 0, 'the first event');
  return {
    /** Statuses of the stage, in order. */
    stages: () => events.flatMap((event) => (event.case === 'stageUpdate' ? [event.value.status] : [])),
    /** Lines of the log, in order. */
    lines: () => events.flatMap((event) => (event.case === 'logLine' ? [event.value.line] : [])),
    /** The number of stage updates. */
    updates: () => events.filter((event) => event.case === 'stageUpdate').length,
    /** Resolves when the server ends the stream. */
    finished,
    async leave() {
      leave.abort();
      await finished.catch(() => {});
    },
  };
}
