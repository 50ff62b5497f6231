import type { LookupFunction } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '#server/context.ts';
import type { Delivery, DeliveryRun } from '#server/destinations/destination-type.ts';
import { checkMetadata } from '#server/destinations/metadata.ts';
import { targetRules } from '#server/destinations/target.ts';
import { createWebhook, retryAfterMs, type WebhookOptions } from '#server/destinations/webhook.ts';
import {
  type Answer,
  answer,
  hang,
  type Receiver,
  refusingUrl,
  resetMidBody,
  startReceiver,
} from './webhook-receiver.ts';

/** The receivers are on this machine. */
const HERE = targetRules(true);
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

const receivers: Receiver[] = [];
afterEach(() => Promise.all(receivers.splice(0).map((receiver) => receiver.close())));

async function receiver(...answers: readonly Answer[]): Promise<Receiver> {
  const started = await startReceiver(...answers);
  receivers.push(started);
  return started;
}

function deliveryTo(url: string, change: Partial<Delivery> = {}): Delivery {
  return {
    releaseId: '0199a000-0000-7000-8000-000000000001',
    releaseIntentId: '0199a000-0000-7000-8000-000000000002',
    run: 1,
    organisation: 'acme',
    project: 'checkout',
    environment: 'production',
    destination: 'eu-west',
    mode: 'deploy',
    force: false,
    metadata: { url, secret: SECRET },
    artifact: {
      id: '0199a000-0000-7000-8000-000000000003',
      slug: 'fix-cart-abc123',
      title: 'Fix cart',
      commitSha: '3f2a9c1',
      branch: 'main',
      version: null,
      metadata: { build: '7' },
    },
    reportToken: 'report-token',
    startedAt: new Date(),
    ...change,
  };
}

const ANSWER_SECONDS = 30;

/**
 * The present time, plus the waits that have passed; the first wait is the delivery's deadline and ends by `expire()`, those for an answer end by `silence()`, all others
 * at once. `answered` resolves when the headers of an answer have arrived.
 */
function testClock(): Clock & {
  waits: number[];
  expire(): void;
  silence(): void;
  answered: Promise<void>;
} {
  const waits: number[] = [];
  const deadline = Promise.withResolvers<void>();
  let answer = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  let isDeadline = true;
  return {
    waits,
    expire: deadline.resolve,
    answered: answered.promise,
    silence() {
      answer.resolve();
      answer = Promise.withResolvers();
    },
    now: () => new Date(Date.now() + waits.reduce((sum, wait) => sum + wait, 0)),
    async sleep(milliseconds, signal) {
      if (isDeadline) {
        isDeadline = false;
        return deadline.promise;
      }
      if (milliseconds === ANSWER_SECONDS * 1000) {
        const end = Promise.withResolvers<void>();
        signal?.addEventListener('abort', () => {
          answered.resolve();
          end.reject(signal.reason);
        });
        return Promise.race([answer.promise, end.promise]);
      }
      waits.push(milliseconds);
      signal?.throwIfAborted();
    },
  };
}

interface Change
  extends Partial<DeliveryRun>,
    Partial<Pick<WebhookOptions, 'clock' | 'publicUrl' | 'targets'>> {}

/** Delivers once; gives the outcome, the log and the waits between attempts. */
async function deliver(delivery: Delivery, change: Change = {}) {
  const clock = testClock();
  const lines: string[] = [];
  const { publicUrl = () => 'http://forage.test', targets = HERE } = change;
  const webhook = createWebhook({
    clock: change.clock ?? clock,
    publicUrl,
    targets,
    answerSeconds: ANSWER_SECONDS,
    random: () => 0,
  });
  const outcome = await webhook.deliver(delivery, {
    log: (line) => lines.push(line),
    running: change.running ?? (async () => {}),
    signal: change.signal ?? new AbortController().signal,
  });
  const errorMessage = 'errorMessage' in outcome ? outcome.errorMessage : '';
  return { outcome, errorMessage, lines, waits: clock.waits };
}

describe('forage/webhook@1', () => {
  it('sends a signed request that is invalid with another secret or a changed byte; 200 means success', async () => {
    const target = await receiver(answer(200, 'thanks'));
    const running = vi.fn(async () => {});
    const { outcome } = await deliver(deliveryTo(target.url), { running });
    expect(outcome).toEqual({ status: 'SUCCEEDED' });
    expect(running).toHaveBeenCalledOnce();
    const { body = '', headers = {} } = target.received[0] ?? {};
    expect(headers['webhook-id']).toBe('0199a000-0000-7000-8000-000000000001');
    expect(new Webhook(SECRET).verify(body, headers)).toMatchObject({
      type: 'release.requested',
      release_id: '0199a000-0000-7000-8000-000000000001',
      release_intent_id: '0199a000-0000-7000-8000-000000000002',
      organisation: 'acme',
      project: 'checkout',
      environment: 'production',
      destination: 'eu-west',
      mode: 'deploy',
      force: false,
      artifact: {
        slug: 'fix-cart-abc123',
        commit_sha: '3f2a9c1',
        branch: 'main',
        version: null,
        metadata: { build: '7' },
      },
      report_token: 'report-token',
      report_url: 'http://forage.test/forest.v1.ReleaseService/ReportRelease',
    });
    const other = new Webhook(`whsec_${Buffer.alloc(32, 8).toString('base64')}`);
    expect(() => other.verify(body, headers)).toThrow('No matching signature found');
    const changed = body.replace('production', 'Production');
    expect(() => new Webhook(SECRET).verify(changed, headers)).toThrow('No matching signature found');
  });

  it('omits the report URL while the server does not know its own', async () => {
    const target = await receiver(answer(200));
    await deliver(deliveryTo(target.url), { publicUrl: () => null });
    expect(target.received[0]?.event).not.toHaveProperty('report_url');
  });

  it('waits for a report after 202', async () => {
    const target = await receiver(answer(202));
    expect((await deliver(deliveryTo(target.url))).outcome).toEqual({ status: 'RUNNING' });
  });

  it('takes the answer as the plan, truncated after a million bytes', async () => {
    const small = await receiver(answer(200, 'add 2, change 1'));
    expect((await deliver(deliveryTo(small.url, { mode: 'plan', force: true }))).outcome).toEqual({
      status: 'SUCCEEDED',
      planOutput: 'add 2, change 1',
    });
    expect(small.received[0]?.event).toMatchObject({ type: 'plan.requested', mode: 'plan', force: false });

    const large = await receiver(answer(200, 'x'.repeat(3_000_000)));
    const { outcome } = await deliver(deliveryTo(large.url, { mode: 'plan' }));
    const plan = outcome.status === 'SUCCEEDED' ? (outcome.planOutput ?? '') : '';
    expect(plan.length).toBeLessThan(1_000_100);
    expect(plan.endsWith('truncated after 1000000 bytes')).toBe(true);
  });

  it('fails immediately on 404, and quotes the answer', async () => {
    const target = await receiver(answer(404, `no such\n target ${'y'.repeat(500)}`));
    const { errorMessage } = await deliver(deliveryTo(`${target.url}?key=hidden`));
    const quoted = `no such target ${'y'.repeat(200 - 'no such target '.length)}`;
    expect(errorMessage).toBe(`${target.url} answered 404: ${quoted}`);
    expect(target.received).toHaveLength(1);
  });

  it.each([
    [422, true],
    [302, false],
    [503, false],
  ])('takes the answer %d for a report by the receiver: %s', async (status, reported) => {
    const target = await receiver(answer(status));
    expect((await deliver(deliveryTo(target.url))).outcome).toMatchObject({ status: 'FAILED', reported });
  });

  it('names a later run in its id and body', async () => {
    const target = await receiver(answer(200));
    const delivery = deliveryTo(target.url, { run: 2 });
    await deliver(delivery);
    const [got] = target.received;
    expect(got?.headers['webhook-id']).toBe(`${delivery.releaseId}.2`);
    expect(got?.event).toMatchObject({ release_id: delivery.releaseId, run: 2 });
    expect(() => new Webhook(SECRET).verify(got?.body ?? '', got?.headers ?? {})).not.toThrow();
  });

  it.each([
    ['true', 1],
    ['false', 0],
  ])(
    'with cancel_messages %s sends %d message with nothing to deploy, signed under its own id',
    async (wanted, sent) => {
      const target = await receiver(answer(200));
      const webhook = createWebhook({
        clock: testClock(),
        publicUrl: () => null,
        targets: HERE,
        answerSeconds: ANSWER_SECONDS,
      });
      const delivery = deliveryTo(target.url);
      const metadata = { ...delivery.metadata, cancel_messages: wanted };
      await webhook.cancel?.({ ...delivery, metadata }, new AbortController().signal);
      expect(target.received).toHaveLength(sent);
      for (const { headers, body, event } of target.received) {
        expect(headers['webhook-id']).toBe(`${delivery.releaseId}.cancel`);
        expect(event).toMatchObject({ type: 'release.cancelled', release_id: delivery.releaseId, run: 1 });
        expect(Object.keys(event)).not.toContain('artifact');
        expect(body).not.toContain(delivery.reportToken);
        new Webhook(SECRET).verify(body, headers);
      }
    },
  );

  it.each([302, 307])('does not follow a redirect by %d', async (status) => {
    const elsewhere = await receiver(answer(200));
    const target = await receiver(answer(status, '', { location: elsewhere.url }));
    const { errorMessage } = await deliver(deliveryTo(target.url));
    expect(errorMessage).toBe(`${target.url} answered ${status} (redirects are not followed)`);
    expect(elsewhere.received).toHaveLength(0);
  });

  it('retries after 5xx, with the same id and doubled waits', async () => {
    const target = await receiver(answer(500), answer(503), answer(502, 'bad'), answer(200));
    const { outcome, waits } = await deliver(deliveryTo(target.url));
    expect(outcome).toEqual({ status: 'SUCCEEDED' });
    expect(waits).toEqual([500, 1000, 2000]);
    const ids = target.received.map((request) => request.headers['webhook-id']);
    expect(new Set(ids).size).toBe(1);
    expect(ids).toHaveLength(4);
    for (const { body, headers } of target.received) new Webhook(SECRET).verify(body, headers);
  });

  it('fails when no further attempt fits into the time limit, and quotes the last answer', async () => {
    const target = await receiver(answer(500, 'starting'), answer(503), answer(500, 'out of disk'));
    const { errorMessage, lines, waits } = await deliver(deliveryTo(target.url));
    // Of 300 s.
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect(errorMessage).toBe(`${target.url} answered 500: out of disk (tried 11 times)`);
    expect(target.received).toHaveLength(11);
    expect(lines.filter((line) => line.startsWith('retrying'))).toHaveLength(10);
  });

  it('goes on after a restart as long as the time limit allows', async () => {
    const target = await receiver(answer(500));
    const startedAt = new Date(Date.now() - 298_000);
    const { errorMessage, waits } = await deliver(deliveryTo(target.url, { startedAt }));
    expect(waits).toEqual([500, 1_000]);
    expect(errorMessage).toContain('(tried 3 times)');
  });

  it('waits for the Retry-After of a 429', async () => {
    const target = await receiver(answer(429, '', { 'retry-after': '7' }), answer(200));
    const { outcome, waits } = await deliver(deliveryTo(target.url));
    expect(outcome).toEqual({ status: 'SUCCEEDED' });
    expect(waits).toEqual([7000]);
  });

  it('retries when the connection is refused', async () => {
    const { errorMessage, waits } = await deliver(deliveryTo(await refusingUrl()));
    expect(errorMessage).toMatch(/could not be reached: .*ECONNREFUSED.*tried 11 times/);
    expect(waits).toHaveLength(10);
  });

  it('retries when the connection breaks during the answer', async () => {
    const target = await receiver(resetMidBody, answer(200));
    expect((await deliver(deliveryTo(target.url))).outcome).toEqual({ status: 'SUCCEEDED' });
    expect(target.received).toHaveLength(2);
  });

  it('retries when no answer begins in time, and says what a receiver that needs longer does', async () => {
    const clock = testClock();
    const target = await receiver((...args) => {
      hang(...args);
      clock.silence();
    });
    const { errorMessage } = await deliver(deliveryTo(target.url), { clock });
    expect(errorMessage).toBe(
      `${target.url} did not answer within 30 s; a receiver that needs longer answers 202 and reports later (tried 11 times)`,
    );
    expect(target.received).toHaveLength(11);
  });

  it('lets the body of an answer take longer', async () => {
    const clock = testClock();
    const target = await receiver(async (response) => {
      response.writeHead(200).write('add 2');
      await clock.answered;
      clock.silence();
      response.end(', change 1');
    });
    expect((await deliver(deliveryTo(target.url, { mode: 'plan' }), { clock })).outcome).toEqual({
      status: 'SUCCEEDED',
      planOutput: 'add 2, change 1',
    });
  });

  it.each<[string, Answer[], string]>([
    ['at the first attempt', [], ''],
    ['at a later attempt', [answer(500, 'busy')], '; the attempt before: URL answered 500: busy'],
  ])('times out while the receiver does not answer %s', async (_, earlier, before) => {
    const clock = testClock();
    const target = await receiver(...earlier, (...args) => {
      clock.expire();
      hang(...args);
    });
    const metadata = { url: target.url, secret: SECRET, timeout_seconds: '1' };
    expect((await deliver(deliveryTo(target.url, { metadata }), { clock })).outcome).toEqual({
      status: 'TIMED_OUT',
      errorMessage: `${target.url} did not finish within 1 s${before.replace('URL', target.url)}`,
    });
    expect(target.received).toHaveLength(earlier.length + 1);
  });

  it('sends nothing without a signing secret', async () => {
    const target = await receiver(answer(200));
    const { errorMessage } = await deliver(deliveryTo(target.url, { metadata: { url: target.url } }));
    expect(errorMessage).toBe('the destination has no signing secret; enter one');
    expect(target.received).toEqual([]);
  });

  it('rejects with an error of the server, and does not blame the receiver', async () => {
    const target = await receiver(answer(200));
    const running = () => Promise.reject(new Error('a bug'));
    await expect(deliver(deliveryTo(target.url), { running })).rejects.toThrow('a bug');
    expect(target.received).toEqual([]);
  });

  it('stops when the delivery is aborted', async () => {
    const abort = new AbortController();
    const target = await receiver(() => abort.abort(new Error('cancelled')));
    await expect(deliver(deliveryTo(target.url), { signal: abort.signal })).rejects.toThrow('cancelled');
  });
});

describe('a webhook with a private address', () => {
  const STRICT = targetRules(false);
  /** Resolves every name to the next of these answers, and records the names it was asked for. */
  function resolver(...answers: readonly string[]) {
    const asked: string[] = [];
    const lookup = ((name, _options, callback) => {
      const address = answers[Math.min(asked.length, answers.length - 1)] ?? '';
      asked.push(name);
      callback(null, [{ address, family: 4 }]);
    }) as LookupFunction;
    return { asked, lookup };
  }
  const portOf = (url: string) => new URL(url).port;

  it.each(['127.0.0.1', '2130706433', '0x7f.1', '127.0.0.1.', '[::ffff:127.0.0.1]', 'localhost'])(
    'is not called at %s, and the release fails immediately',
    async (host) => {
      const target = await receiver(answer(200));
      const url = `http://${host}:${portOf(target.url)}/deploy`;
      const { errorMessage } = await deliver(deliveryTo(url), { targets: STRICT });
      expect(errorMessage).toMatch(
        /\/deploy resolves to a loopback address, which this server does not call; .*WEBHOOK_ALLOW_PRIVATE=1$/,
      );
      expect(target.received).toHaveLength(0);
    },
  );

  it('is not called by a name either, and the error does not reveal the address', async () => {
    const target = await receiver(answer(200));
    const { asked, lookup } = resolver('127.0.0.1');
    const url = `http://deploy.example:${portOf(target.url)}/deploy`;
    const { errorMessage, lines } = await deliver(deliveryTo(url), { targets: { ...STRICT, lookup } });
    expect(errorMessage).toContain('resolves to a loopback address');
    expect(asked).toEqual(['deploy.example']);
    expect(target.received).toHaveLength(0);
    expect(JSON.stringify([errorMessage, lines])).not.toContain('127.0.0.1');
  });

  it('is connected to the checked address, even if its name resolves differently afterwards', async () => {
    const target = await receiver(answer(200));
    // 127.0.0.1 takes the role of a public address here, 127.0.0.2 of a private one.
    const refused = (address: string) => (address === '127.0.0.1' ? null : 'private');
    const { asked, lookup } = resolver('127.0.0.1', '127.0.0.2');
    const url = `http://rebinding.example:${portOf(target.url)}/deploy`;
    const targets = { lookup, refused };
    expect((await deliver(deliveryTo(url), { targets })).outcome).toEqual({ status: 'SUCCEEDED' });
    expect(asked).toHaveLength(1);
    expect(target.received[0]?.headers.host).toBe(new URL(url).host);
    // The next delivery checks again.
    expect((await deliver(deliveryTo(url), { targets })).outcome.status).toBe('FAILED');
    expect(target.received).toHaveLength(1);
  });

  it('is not called with a user and a password in its URL, even if an earlier version stored it', async () => {
    const target = await receiver(answer(200));
    const url = target.url.replace('http://', 'http://user:planted@');
    const { errorMessage, lines } = await deliver(deliveryTo(url));
    expect(errorMessage).toContain('user or a password');
    expect(JSON.stringify([errorMessage, lines])).not.toContain('planted');
    expect(target.received).toHaveLength(0);
  });
});

describe('retryAfterMs', () => {
  const now = new Date('2026-11-22T12:00:00Z');
  it.each([
    [null, null],
    ['', null],
    ['soon', null],
    ['0', 0],
    ['12', 12_000],
    ['86400', 60_000],
    ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
    ['Sun, 22 Nov 2026 11:00:00 GMT', 0],
  ])('%j is %j ms', (header, ms) => expect(retryAfterMs(header, now)).toBe(ms));
});

describe('the metadata of a webhook', () => {
  const webhook = createWebhook({
    clock: testClock(),
    publicUrl: () => null,
    targets: targetRules(false),
    answerSeconds: ANSWER_SECONDS,
  });
  const good = { url: 'https://deploy.example/hook', secret: SECRET };
  it.each([
    ['all is well', good, []],
    ['a longer timeout', { ...good, timeout_seconds: '86400' }, []],
    ['no url', { secret: SECRET }, ['metadata["url"]']],
    ['no web address', { ...good, url: 'ftp://deploy.example' }, ['metadata["url"]']],
    ['a private address', { ...good, url: 'http://169.254.169.254/latest' }, ['metadata["url"]']],
    ['this machine', { ...good, url: 'http://localhost:8080/' }, ['metadata["url"]']],
    ['a user in the address', { ...good, url: 'https://user@deploy.example/' }, ['metadata["url"]']],
    ['no secret', { url: good.url }, ['metadata["secret"]']],
    ['a short secret', { ...good, secret: 'whsec_MTIz' }, ['metadata["secret"]']],
    ['a bare secret', { ...good, secret: SECRET.slice(6) }, ['metadata["secret"]']],
    ['a timeout of nothing', { ...good, timeout_seconds: '0' }, ['metadata["timeout_seconds"]']],
    ['a timeout in words', { ...good, timeout_seconds: 'long' }, ['metadata["timeout_seconds"]']],
    ['a broken timeout', { ...good, timeout_seconds: '1.5' }, ['metadata["timeout_seconds"]']],
    ['something unknown', { ...good, retries: '3' }, ['metadata["retries"]']],
  ])('%s', (_, metadata: Record<string, string>, fields) => {
    expect(checkMetadata(webhook, metadata).map((problem) => problem.field)).toEqual(fields);
  });
});
