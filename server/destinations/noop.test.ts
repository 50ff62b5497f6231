import { describe, expect, it } from 'vitest';
import type { Clock } from '#server/context.ts';
import type { Delivery } from './destination-type.ts';
import { checkMetadata } from './metadata.ts';
import { createNoop } from './noop.ts';

const NOW = new Date('2026-11-22T12:00:00Z');

function setUp() {
  const waits: number[] = [];
  const clock: Clock = {
    now: () => NOW,
    async sleep(milliseconds, signal) {
      waits.push(milliseconds);
      signal?.throwIfAborted();
    },
  };
  return { waits, noop: createNoop(clock) };
}

const delivery = (change: Partial<Delivery> = {}): Delivery => ({
  releaseId: 'r',
  releaseIntentId: 'i',
  organisation: 'acme',
  project: 'checkout',
  environment: 'production',
  destination: 'eu-west',
  mode: 'deploy',
  force: false,
  metadata: {},
  artifact: {
    id: 'a',
    slug: 'fix-1',
    title: 'Fix',
    commitSha: 'abc',
    branch: null,
    version: '1.2',
    metadata: {},
  },
  reportToken: 't',
  startedAt: NOW,
  ...change,
});

function run(signal = new AbortController().signal) {
  const lines: string[] = [];
  return { lines, log: (line: string) => lines.push(line), running: async () => {}, signal };
}

describe('forage/noop@1', () => {
  it('succeeds at once and says that it deployed nothing', async () => {
    const { noop, waits } = setUp();
    const to = run();
    expect(await noop.deliver(delivery(), to)).toEqual({ status: 'SUCCEEDED' });
    expect(waits).toEqual([]);
    expect(to.lines[0]).toContain('nothing is deployed');
    expect(noop.description).toContain('Deploys nothing');
  });

  it('takes its seconds, counted from when it first began', async () => {
    const { noop, waits } = setUp();
    await noop.deliver(delivery({ metadata: { seconds: '30' } }), run());
    const startedAt = new Date(NOW.getTime() - 20_000);
    await noop.deliver(delivery({ metadata: { seconds: '30' }, startedAt }), run());
    await noop.deliver(delivery({ metadata: { seconds: '5' }, startedAt }), run());
    expect(waits).toEqual([30_000, 10_000]);
    expect(noop.timeoutSeconds({ seconds: '30' })).toBeGreaterThan(30);
  });

  it('fails on request, with the words it was given', async () => {
    const { noop } = setUp();
    const fails = (metadata: Record<string, string>) => noop.deliver(delivery({ metadata }), run());
    expect(await fails({ fail: 'true' })).toEqual({ status: 'FAILED', errorMessage: 'failed on request' });
    expect(await fails({ fail: 'true', fail_message: 'no room' })).toEqual({
      status: 'FAILED',
      errorMessage: 'no room',
    });
    expect(await fails({ fail: 'false', fail_message: 'no room' })).toEqual({ status: 'SUCCEEDED' });
  });

  it('plans in words', async () => {
    const { noop } = setUp();
    const outcome = await noop.deliver(delivery({ mode: 'plan' }), run());
    expect(outcome).toMatchObject({ status: 'SUCCEEDED' });
    expect(outcome.status === 'SUCCEEDED' && outcome.planOutput).toContain('fix-1 1.2 (abc)');
  });

  it('gives up when it is told to', async () => {
    const { noop } = setUp();
    const signal = AbortSignal.abort(new Error('cancelled'));
    await expect(noop.deliver(delivery({ metadata: { seconds: '1' } }), run(signal))).rejects.toThrow(
      'cancelled',
    );
  });

  it.each([
    [{}, []],
    [{ seconds: '0', fail: 'false', fail_message: 'x' }, []],
    [{ seconds: '3600' }, []],
    [{ seconds: '3601' }, ['metadata["seconds"]']],
    [{ seconds: '-1' }, ['metadata["seconds"]']],
    [{ seconds: '1.5' }, ['metadata["seconds"]']],
    [{ seconds: '1e3' }, ['metadata["seconds"]']],
    [{ fail: 'yes' }, ['metadata["fail"]']],
  ])('checks %j', (metadata: Record<string, string>, fields) => {
    expect(checkMetadata(setUp().noop, metadata).map((problem) => problem.field)).toEqual(fields);
  });
});
