import { stepBecomes } from './gate-world.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { type Answer, answer, type Receiver, startReceiver } from './webhook-receiver.ts';
import { type World, world } from './world.ts';

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** Waits until a receiver has got that many requests. */
export const receivedBy = (target: Receiver, count = 1) =>
  eventually(async () => target.received.length >= count, `${count} requests at the receiver`);

/** Waits until a receiver has got a delivery of a release, which is RUNNING by then. */
export const deliveredTo = (target: Receiver, intent: string) =>
  eventually(
    async () => target.received.some(({ event }) => event.release_intent_id === intent),
    `a delivery of ${intent} at the receiver`,
  );

/** Calls ReportRelease like a receiver, by default with the URL and token of the latest request. */
export async function report(
  target: Receiver,
  outcome: string,
  more: object = {},
  { token, request = -1 }: { readonly token?: string; readonly request?: number } = {},
) {
  const event = target.received.at(request)?.event ?? {};
  const response = await fetch(String(event.report_url), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${token ?? String(event.report_token)}`,
    },
    body: JSON.stringify({ release_id: event.release_id, status: `RELEASE_STATUS_${outcome}`, ...more }),
  });
  return { status: response.status, body: (await response.json()) as { code?: string; message?: string } };
}

/** The live build of the place, why it is in doubt, and the deliveries that make it uncertain. */
export async function placeOf(app: TestApp, w: World, environment: string) {
  const { rows } = await app.context.db.pool.query(
    `select live ->> 'artifactId' as live, doubt, failures from place_states
      where environment = $1 and project_id = (select id from projects where organisation_id = $2)`,
    [environment, w.organisationId],
  );
  const [place] = rows;
  const failures: { status: string; reported: boolean }[] = place.failures;
  const uncertain = failures.map(({ status, reported }) => `${status} ${reported}`);
  return { live: place.live, doubt: place.doubt, uncertain };
}

/** Receivers, environments that call them, and further servers on the app's database, all closed by `close`. */
export function deliveryWorld(app: TestApp) {
  const closing: (() => Promise<void>)[] = [];
  let made = 0;

  async function receiver(...answers: readonly Answer[]): Promise<Receiver> {
    const started = await startReceiver(...answers);
    closing.push(() => started.close());
    return started;
  }

  /** A new environment with one destination, both of the same name. */
  async function environmentWith(w: World, type: 'noop' | 'webhook', metadata: Record<string, string>) {
    const environment = `${type}-${++made}`;
    await w.admin.environments.createEnvironment({ organisation: w.organisation, name: environment });
    await w.destination(environment, environment, metadata, type);
    return environment;
  }
  const webhookEnvironment = (w: World, target: Receiver, metadata: Record<string, string> = {}) =>
    environmentWith(w, 'webhook', { url: target.url, secret: SECRET, ...metadata });

  /** A receiver, and an environment of a new organisation with one destination that calls it. */
  async function webhookTo(...answers: readonly Answer[]) {
    const w = await world(app);
    const target = await receiver(...answers);
    return { w, target, environment: await webhookEnvironment(w, target) };
  }
  /** The same, with a release whose request the receiver has got. */
  async function called(...answers: readonly Answer[]) {
    const place = await webhookTo(...answers);
    const { artifactId } = await place.w.artifact();
    const intent = await place.w.release(artifactId, [place.environment]);
    await receivedBy(place.target);
    return { ...place, artifactId, intent };
  }

  return {
    receiver,
    environmentWith,
    webhookEnvironment,
    webhookTo,
    called,
    /** The same, with a release that the receiver has accepted and not reported yet. */
    async running() {
      const place = await called(answer(202));
      await stepBecomes(place.w, place.intent, 'RUNNING');
      return place;
    },
    /** A second server on the same database. */
    async anotherServer(sweepSeconds = 60): Promise<TestApp> {
      const other = await startTestApp({ config: { databaseUrl: app.databaseUrl, sweepSeconds } });
      closing.push(() => other.stop());
      return other;
    },
    async close() {
      for (const end of closing.splice(0).reverse()) await end();
    },
  };
}
