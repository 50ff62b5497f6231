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
  run: 1,
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
  it('succeeds immediately and logs that nothing is deployed', async () => {
    const { noop, waits } = setUp();
    const to = run();
    expect(await noop.deliver(delivery(), to)).toEqual({ status: 'SUCCEEDED' });
    expect(waits).toEqual([]);
    expect(to.lines[0]).toContain('nothing is deployed');
    expect(noop.description).toContain('Deploys nothing');
  });

  it('waits for its seconds, counted from the first start', async () => {
    const { noop, waits } = setUp();
    await noop.deliver(delivery({ metadata: { seconds: '30' } }), run());
    const startedAt = new Date(NOW.getTime() - 20_000);
    await noop.deliver(delivery({ metadata: { seconds: '30' }, startedAt }), run());
    await noop.deliver(delivery({ metadata: { seconds: '5' }, startedAt }), run());
    expect(waits).toEqual([30_000, 10_000]);
    expect(noop.timeoutSeconds({ seconds: '30' })).toBeGreaterThan(30);
  });

  it('fails on request, with the given message', async () => {
    const { noop } = setUp();
    const fails = (metadata: Record<string, string>) => noop.deliver(delivery({ metadata }), run());
    const failed = { status: 'FAILED', reported: true };
    expect(await fails({ fail: 'true' })).toEqual({ ...failed, errorMessage: 'failed on request' });
    expect(await fails({ fail: 'true', fail_message: 'disk full' })).toEqual({
      ...failed,
      errorMessage: 'disk full',
    });
    expect(await fails({ fail: 'false', fail_message: 'disk full' })).toEqual({ status: 'SUCCEEDED' });
  });

  it('has a readable plan', async () => {
    const { noop } = setUp();
    const outcome = await noop.deliver(delivery({ mode: 'plan' }), run());
    expect(outcome).toMatchObject({ status: 'SUCCEEDED' });
    expect(outcome.status === 'SUCCEEDED' && outcome.planOutput).toContain('fix-1 1.2 (abc)');
  });

  it('stops when it is aborted', async () => {
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
