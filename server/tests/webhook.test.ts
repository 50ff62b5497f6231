import type { LookupFunction } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '#server/context.ts';
import type { Delivery, Outcome } from '#server/destinations/destination-type.ts';
import { checkMetadata } from '#server/destinations/metadata.ts';
import { type TargetRules, targetRules } from '#server/destinations/target.ts';
import { createWebhook, retryAfterMs } from '#server/destinations/webhook.ts';
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

let receivers: Receiver[] = [];
afterEach(async () => {
  await Promise.all(receivers.map((receiver) => receiver.close()));
  receivers = [];
});

async function receiver(...answers: readonly Answer[]): Promise<Receiver> {
  const started = await startReceiver(...answers);
  receivers.push(started);
  return started;
}

function deliveryTo(url: string, change: Partial<Delivery> = {}): Delivery {
  return {
    releaseId: '0199a000-0000-7000-8000-000000000001',
    releaseIntentId: '0199a000-0000-7000-8000-000000000002',
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

/** Real time, but waits between attempts pass at once and are written down. */
function hurriedClock(): Clock & { waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    now: () => new Date(),
    async sleep(milliseconds, signal) {
      waits.push(milliseconds);
      signal?.throwIfAborted();
    },
  };
}

interface Result {
  readonly outcome: Outcome;
  readonly lines: string[];
  readonly waits: number[];
  readonly begun: boolean;
}

async function deliver(delivery: Delivery, signal = new AbortController().signal): Promise<Result> {
  const clock = hurriedClock();
  const lines: string[] = [];
  let begun = false;
  const webhook = createWebhook({
    clock,
    publicUrl: () => 'http://forage.test',
    targets: HERE,
    random: () => 0,
  });
  const outcome = await webhook.deliver(delivery, {
    log: (line) => lines.push(line),
    running: async () => {
      begun = true;
    },
    signal,
  });
  return { outcome, lines, waits: clock.waits, begun };
}

describe('forage/webhook@1', () => {
  it('sends a signed request that the receiver can check, and 200 is done', async () => {
    const target = await receiver(answer(200, 'thanks'));
    const { outcome, begun } = await deliver(deliveryTo(target.url));

    expect(outcome).toEqual({ status: 'SUCCEEDED' });
    expect(begun).toBe(true);
    const [got] = target.received;
    expect(got?.headers['webhook-id']).toBe('0199a000-0000-7000-8000-000000000001');
    expect(new Webhook(SECRET).verify(got?.body ?? '', got?.headers ?? {})).toMatchObject({
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
  });

  it('is refused by a receiver with another secret, or when a byte was changed', async () => {
    const target = await receiver(answer(204));
    await deliver(deliveryTo(target.url));
    const [got] = target.received;
    const other = new Webhook(`whsec_${Buffer.alloc(32, 8).toString('base64')}`);
    expect(() => other.verify(got?.body ?? '', got?.headers ?? {})).toThrow('No matching signature found');
    const changed = (got?.body ?? '').replace('production', 'Production');
    expect(() => new Webhook(SECRET).verify(changed, got?.headers ?? {})).toThrow(
      'No matching signature found',
    );
  });

  it('leaves out the report address while the server does not know its own', async () => {
    const target = await receiver(answer(200));
    const webhook = createWebhook({ clock: hurriedClock(), publicUrl: () => null, targets: HERE });
    await webhook.deliver(deliveryTo(target.url), {
      log: () => {},
      running: async () => {},
      signal: new AbortController().signal,
    });
    expect(target.received[0]?.event).not.toHaveProperty('report_url');
  });

  it('goes on elsewhere after 202', async () => {
    const target = await receiver(answer(202));
    expect((await deliver(deliveryTo(target.url))).outcome).toEqual({ status: 'RUNNING' });
  });

  it('gives the answer as the plan, cut after a million bytes', async () => {
    const small = await receiver(answer(200, 'add 2, change 1'));
    expect((await deliver(deliveryTo(small.url, { mode: 'plan' }))).outcome).toEqual({
      status: 'SUCCEEDED',
      planOutput: 'add 2, change 1',
    });
    expect(small.received[0]?.event.mode).toBe('plan');

    const large = await receiver(answer(200, 'x'.repeat(3_000_000)));
    const { outcome } = await deliver(deliveryTo(large.url, { mode: 'plan' }));
    const plan = outcome.status === 'SUCCEEDED' ? (outcome.planOutput ?? '') : '';
    expect(plan.length).toBeLessThan(1_000_100);
    expect(plan.endsWith('cut after 1000000 bytes')).toBe(true);
  });

  it('fails at once on 404, with the first words of the answer', async () => {
    const target = await receiver(answer(404, `no such\n target ${'y'.repeat(500)}`));
    const { outcome } = await deliver(deliveryTo(`${target.url}?key=hidden`));
    expect(outcome).toEqual({
      status: 'FAILED',
      errorMessage: `${target.url} answered 404: no such target ${'y'.repeat(200 - 'no such target '.length)}`,
    });
    expect(target.received).toHaveLength(1);
  });

  it('does not follow redirects', async () => {
    const elsewhere = await receiver(answer(200));
    const target = await receiver(answer(302, '', { location: elsewhere.url }));
    const { outcome } = await deliver(deliveryTo(target.url));
    expect(outcome).toEqual({
      status: 'FAILED',
      errorMessage: `${target.url} answered 302 (redirects are not followed)`,
    });
    expect(elsewhere.received).toHaveLength(0);
  });

  it('tries again after 500, with the same id and doubled waits', async () => {
    const target = await receiver(answer(500), answer(503), answer(502, 'bad'), answer(200));
    const { outcome, waits } = await deliver(deliveryTo(target.url));
    expect(outcome).toEqual({ status: 'SUCCEEDED' });
    expect(waits).toEqual([500, 1000, 2000]);
    const ids = target.received.map((request) => request.headers['webhook-id']);
    expect(new Set(ids).size).toBe(1);
    expect(ids).toHaveLength(4);
    for (const { body, headers } of target.received) new Webhook(SECRET).verify(body, headers);
  });

  it('gives up after five 500s and says what the receiver said', async () => {
    const target = await receiver(answer(500, 'out of disk'));
    const { outcome, lines } = await deliver(deliveryTo(target.url));
    expect(outcome).toEqual({
      status: 'FAILED',
      errorMessage: `${target.url} answered 500: out of disk (tried 5 times)`,
    });
    expect(target.received).toHaveLength(5);
    expect(lines.filter((line) => line.startsWith('trying again'))).toHaveLength(4);
  });

  it('waits as long as a 429 asks for', async () => {
    const target = await receiver(answer(429, '', { 'retry-after': '7' }), answer(200));
    const { outcome, waits } = await deliver(deliveryTo(target.url));
    expect(outcome).toEqual({ status: 'SUCCEEDED' });
    expect(waits).toEqual([7000]);
  });

  it('tries again when the connection is refused, and says so in the end', async () => {
    const { outcome, waits } = await deliver(deliveryTo(await refusingUrl()));
    expect(outcome.status).toBe('FAILED');
    expect(outcome.status === 'FAILED' && outcome.errorMessage).toMatch(
      /could not be reached: .*ECONNREFUSED.*tried 5 times/,
    );
    expect(waits).toHaveLength(4);
  });

  it('tries again when the answer breaks off half-way', async () => {
    const target = await receiver(resetMidBody, answer(200));
    expect((await deliver(deliveryTo(target.url))).outcome).toEqual({ status: 'SUCCEEDED' });
    expect(target.received).toHaveLength(2);
  });

  it('times out on a receiver that hangs', async () => {
    const target = await receiver(hang);
    const startedAt = new Date(Date.now() - 900);
    const metadata = { url: target.url, secret: SECRET, timeout_seconds: '1' };
    expect((await deliver(deliveryTo(target.url, { metadata, startedAt }))).outcome).toEqual({
      status: 'TIMED_OUT',
      errorMessage: `${target.url} did not finish within 1 s`,
    });
  });

  it('times out in the middle of its attempts, too', async () => {
    const target = await receiver(answer(500));
    const webhook = createWebhook({
      clock: { now: () => new Date(), sleep: (ms, signal) => sleep(ms, undefined, { signal }) },
      publicUrl: () => null,
      targets: HERE,
      firstRetryMs: 60_000,
    });
    const metadata = { url: target.url, secret: SECRET, timeout_seconds: '1' };
    const outcome = await webhook.deliver(
      deliveryTo(target.url, { metadata, startedAt: new Date(Date.now() - 800) }),
      { log: () => {}, running: async () => {}, signal: new AbortController().signal },
    );
    expect(outcome.status).toBe('TIMED_OUT');
    expect(target.received).toHaveLength(1);
  });

  it('calls nobody without a secret to sign by', async () => {
    const target = await receiver(answer(200));
    const { outcome } = await deliver(deliveryTo(target.url, { metadata: { url: target.url } }));
    expect(outcome).toEqual({
      status: 'FAILED',
      errorMessage: 'the destination has no signing secret any more: give it one',
    });
    expect(target.received).toEqual([]);
  });

  it('tells what goes wrong on our side to whoever runs it, and blames no receiver', async () => {
    const target = await receiver(answer(200));
    const webhook = createWebhook({ clock: hurriedClock(), publicUrl: () => null, targets: HERE });
    const running = webhook.deliver(deliveryTo(target.url), {
      log: () => {},
      running: async () => {
        throw new Error('a fault of ours');
      },
      signal: new AbortController().signal,
    });
    await expect(running).rejects.toThrow('a fault of ours');
    expect(target.received).toEqual([]);
  });

  it('stops when it is told to', async () => {
    const target = await receiver(hang);
    const abort = new AbortController();
    const running = deliver(deliveryTo(target.url), abort.signal);
    setTimeout(() => abort.abort(new Error('cancelled')), 50);
    await expect(running).rejects.toThrow('cancelled');
  });
});

describe('a webhook that leads to a private place', () => {
  const STRICT = targetRules(false);
  /** Resolves every name to the next of these answers, and counts how often it was asked. */
  function resolver(...answers: readonly string[]) {
    const asked: string[] = [];
    const lookup = ((name, _options, callback) => {
      const address = answers[Math.min(asked.length, answers.length - 1)] ?? '';
      asked.push(name);
      callback(null, [{ address, family: 4 }]);
    }) as LookupFunction;
    return { asked, lookup };
  }
  const deliverBy = async (targets: TargetRules, url: string, metadata = {}) => {
    const lines: string[] = [];
    const webhook = createWebhook({ clock: hurriedClock(), publicUrl: () => null, targets });
    const outcome = await webhook.deliver(
      deliveryTo(url, { metadata: { url, secret: SECRET, ...metadata } }),
      {
        log: (line) => lines.push(line),
        running: async () => {},
        signal: new AbortController().signal,
      },
    );
    return { outcome, lines };
  };
  const portOf = (url: string) => new URL(url).port;

  it.each(['127.0.0.1', '2130706433', '0x7f.1', '127.0.0.1.', '[::ffff:127.0.0.1]', 'localhost'])(
    'is not called at %s, at once and in words',
    async (host) => {
      const target = await receiver(answer(200));
      const url = `http://${host}:${portOf(target.url)}/deploy`;
      const { outcome } = await deliverBy(STRICT, url);
      expect(outcome.status === 'FAILED' && outcome.errorMessage).toMatch(
        /\/deploy leads to a loopback address, which this server does not call; .*WEBHOOK_ALLOW_PRIVATE=1$/,
      );
      expect(target.received).toHaveLength(0);
    },
  );

  it('is not called by a name either, whose address the words do not tell', async () => {
    const target = await receiver(answer(200));
    const { asked, lookup } = resolver('127.0.0.1');
    const { outcome, lines } = await deliverBy(
      { ...STRICT, lookup },
      `http://deploy.example:${portOf(target.url)}/deploy`,
    );
    expect(outcome.status === 'FAILED' && outcome.errorMessage).toContain('leads to a loopback address');
    expect(asked).toEqual(['deploy.example']);
    expect(target.received).toHaveLength(0);
    expect(JSON.stringify([outcome, lines])).not.toContain('127.0.0.1');
  });

  it('is connected to just the address that was judged, however a name changes its mind', async () => {
    const target = await receiver(answer(200));
    // Here 127.0.0.1 stands for the public internet and 127.0.0.2 for what is private.
    const refused = (address: string) => (address === '127.0.0.1' ? null : 'private');
    const { asked, lookup } = resolver('127.0.0.1', '127.0.0.2');
    const url = `http://rebinding.example:${portOf(target.url)}/deploy`;
    expect((await deliverBy({ lookup, refused }, url)).outcome).toEqual({ status: 'SUCCEEDED' });
    expect(asked).toHaveLength(1);
    expect(target.received[0]?.headers.host).toBe(new URL(url).host);
    // The next delivery judges anew.
    expect((await deliverBy({ lookup, refused }, url)).outcome.status).toBe('FAILED');
    expect(target.received).toHaveLength(1);
  });

  it('is not reached through a redirect', async () => {
    const inside = await receiver(answer(200, 'the metadata'));
    const target = await receiver(answer(307, '', { location: inside.url }));
    const { outcome } = await deliverBy(HERE, target.url);
    expect(outcome.status).toBe('FAILED');
    expect(inside.received).toHaveLength(0);
  });

  it('is refused for a user and a password in its address, also one that was stored before', async () => {
    const target = await receiver(answer(200));
    const url = target.url.replace('http://', 'http://user:planted@');
    const { outcome, lines } = await deliverBy(HERE, url);
    expect(outcome.status === 'FAILED' && outcome.errorMessage).toContain('user or a password');
    expect(JSON.stringify([outcome, lines])).not.toContain('planted');
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
    clock: hurriedClock(),
    publicUrl: () => null,
    targets: targetRules(false),
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
