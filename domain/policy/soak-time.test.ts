import { describe, expect, it } from 'vitest';
import type { LivePeriod } from '#domain/release/place.ts';
import { periodOf } from '#domain/testing/fixtures.ts';
import type { SoakTimeConfig } from './policy.ts';
import { evaluateSoakTime, type SoakSource, soakReasonChangesAt } from './soak-time.ts';

const config: SoakTimeConfig = {
  type: 'soak_time',
  sourceEnvironment: 'staging',
  targetEnvironment: 'production',
  durationSeconds: 1_800,
  newerBuildsCount: false,
};
const at = (time: string) => new Date(time.includes('-') ? time : `2026-11-22T${time}Z`);
/** `12:00` lasts, `12:00 to 12:20` was ended by another build; the latest first. */
const source = (destinationName: string, ...stays: string[]): SoakSource => ({
  destinationName,
  periods: stays.map((stay) => {
    const [began = '', ended] = stay.split(' to ');
    return periodOf(at(began), ended === undefined ? null : at(ended));
  }),
});
const west = (...stays: string[]) => source('eu-west', ...stays);
const north = (...stays: string[]) => source('eu-north', ...stays);
const [period] = west('12:00 to 12:20').periods;
const change = (changes: Partial<LivePeriod>) =>
  period ? [{ destinationName: 'eu-west', periods: [{ ...period, ...changes }] }] : [];
const evaluate = (sources: readonly SoakSource[] | undefined, now: string, newerBuildsCount = false) =>
  evaluateSoakTime({ ...config, newerBuildsCount }, sources, false, at(now));

describe('evaluateSoakTime', () => {
  it.each<[string, SoakSource[], string]>([
    ['exactly long enough', [west('12:00')], '12:30'],
    ['long ago', [west('02:00')], '12:30'],
    ['every destination long enough ago', [west('12:00'), north('11:00')], '12:30'],
    ['live no more, but for long enough', [west('11:00 to 11:30')], '12:00'],
    ['for long enough before, and again for a shorter time', [west('11:50', '10:00 to 11:00')], '12:00'],
    ['ended almost 90 days ago', [west('2026-08-24T12:00Z to 2026-08-24T12:30:00.001Z')], '12:30'],
  ])('passes: %s', (_, sources, now) => {
    const reason = 'soaked 30m in staging';
    expect(evaluate(sources, now)).toEqual({ passed: true, reason, nextCheckAt: null });
  });

  it('passes a return without any soak, except when the sources are not known', () => {
    const verdict = (sources: readonly SoakSource[] | undefined) =>
      evaluateSoakTime(config, sources, true, at('12:00'));
    expect(verdict([west()])).toMatchObject({
      passed: true,
      reason: 'a return to a build that was live in production',
    });
    expect([verdict(undefined).passed, verdict([]).passed]).toEqual([false, false]);
  });

  it.each<[string, SoakSource[] | undefined, string, string, string | null]>([
    [
      'too young',
      [west('17:30')],
      '17:45:40',
      '14m left of 30m in staging, ends 2026-11-22T18:00:00Z',
      '18:00:00',
    ],
    [
      'two minutes are the last whole ones',
      [west('17:30')],
      '17:57:59',
      '2m left of 30m in staging, ends 2026-11-22T18:00:00Z',
      '18:00:00',
    ],
    [
      'below two minutes, seconds count',
      [west('17:30')],
      '17:58:01',
      '1m 59s left of 30m in staging, ends 2026-11-22T18:00:00Z',
      '18:00:00',
    ],
    [
      'one millisecond too young',
      [west('17:30')],
      '17:59:59.999',
      '1s left of 30m in staging, ends 2026-11-22T18:00:00Z',
      '18:00:00',
    ],
    [
      'the youngest destination decides',
      [west('12:00'), north('12:10')],
      '12:30:00',
      '10m left of 30m in staging, ends 2026-11-22T12:40:00Z',
      '12:40:00',
    ],
    [
      'part of a second is rounded up in the reason, exact for the clock',
      [west('12:00:00.250')],
      '12:29:00',
      '1m 1s left of 30m in staging, ends 2026-11-22T12:30:01Z',
      '12:30:00.250',
    ],
    [
      'deployed in the future (clocks differ)',
      [west('13:00')],
      '12:00:00',
      '1h 30m left of 30m in staging, ends 2026-11-22T13:30:00Z',
      '13:30:00',
    ],
    ['never deployed', [west()], '12:00:00', 'not deployed to staging (eu-west) yet', null],
    [
      'deployed to a part only',
      [west('02:00'), north()],
      '12:00:00',
      'not deployed to staging (eu-north) yet',
      null,
    ],
    [
      'live no more after a shorter time',
      [west('11:00 to 11:20')],
      '12:00',
      'replaced by 2.0 after 20m of 30m in staging (eu-west)',
      null,
    ],
    [
      'ended by a failure',
      change({ endedBy: null }),
      '13:00',
      'interrupted after 20m of 30m in staging (eu-west)',
      null,
    ],
    [
      'ended as it began',
      [west('11:00 to 11:00')],
      '12:00',
      'replaced by 2.0 after 1s of 30m in staging (eu-west)',
      null,
    ],
    [
      'two short times do not add up',
      [west('11:50', '11:00 to 11:29')],
      '12:00',
      '20m left of 30m in staging, ends 2026-11-22T12:20:00Z',
      '12:20',
    ],
    [
      'time does not help where it was replaced',
      [west('11:50'), north('11:00 to 11:20')],
      '12:00',
      'replaced by 2.0 after 20m of 30m in staging (eu-north)',
      null,
    ],
    [
      'ended 90 days ago',
      [west('2026-08-24T12:00Z to 2026-08-24T12:30Z')],
      '12:30',
      'not deployed to staging (eu-west) yet',
      null,
    ],
    ['no destinations', [], '12:00:00', 'staging has no destinations', null],
    ['nothing known', undefined, '12:00:00', 'deployments to staging are unknown', null],
  ])('blocks: %s', (_, sources, now, reason, nextCheckAt) => {
    const time = nextCheckAt === null ? null : at(nextCheckAt);
    expect(evaluate(sources, now)).toEqual({ passed: false, reason, nextCheckAt: time });
  });

  it.each<[string, Partial<LivePeriod>, boolean, string]>([
    ['a newer build came', { outdatedAt: null, outdatedBy: null }, true, 'soaked 30m in staging'],
    [
      'an older build came after a newer one',
      { outdatedAt: at('12:25'), outdatedBy: '0.9' },
      false,
      'replaced by 0.9 after 25m of 30m in staging (eu-west)',
    ],
    [
      'an older build came late',
      { outdatedAt: at('12:30'), outdatedBy: '0.9' },
      true,
      'soaked 30m in staging',
    ],
  ])('newer builds end the time only if they do not count: %s', (_, changes, passed, reason) => {
    expect(evaluate(change(changes), '13:00', true)).toMatchObject({ passed, reason });
    expect(evaluate(change(changes), '13:00', false)).toMatchObject({
      passed: false,
      reason: 'replaced by 2.0 after 20m of 30m in staging (eu-west)',
    });
  });

  it.each([0, -1, Number.NaN])('blocks on a duration of %d', (durationSeconds) => {
    const verdict = evaluateSoakTime({ ...config, durationSeconds }, [west('02:00')], true, at('12:00'));
    expect(verdict.passed).toBe(false);
  });
});

describe('soakReasonChangesAt', () => {
  it.each(['17:30:00', '17:30:00.001', '17:45:40', '17:57:59', '17:58:00', '17:58:00.500', '17:59:59.999'])(
    'gives the exact time at which the reason at %s changes',
    (now) => {
      const reasonAt = (time: Date) => evaluateSoakTime(config, [west('17:30')], false, time).reason;
      const until = soakReasonChangesAt(at('18:00:00'), at(now));
      expect(until.getTime()).toBeGreaterThan(at(now).getTime());
      for (let time = at(now).getTime(); time < until.getTime(); time += 250) {
        expect(reasonAt(new Date(time))).toBe(reasonAt(at(now)));
      }
      expect(reasonAt(new Date(until.getTime() - 1))).toBe(reasonAt(at(now)));
      expect(reasonAt(until)).not.toBe(reasonAt(at(now)));
    },
  );
});
