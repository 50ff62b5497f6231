import { describe, expect, it } from 'vitest';
import type { SoakTimeConfig } from './policy.ts';
import { evaluateSoakTime, type SourceDeployment, soakWordsLastUntil } from './soak-time.ts';

const config: SoakTimeConfig = {
  type: 'soak_time',
  sourceEnvironment: 'staging',
  targetEnvironment: 'production',
  durationSeconds: 1_800,
};
const at = (time: string) => new Date(`2026-11-22T${time}Z`);
const west = (time: string | null): SourceDeployment => ({
  destinationName: 'eu-west',
  lastSucceededAt: time === null ? null : at(time),
});
const north = (time: string | null): SourceDeployment => ({ ...west(time), destinationName: 'eu-north' });

describe('evaluateSoakTime', () => {
  it.each<[string, SourceDeployment[], string]>([
    ['exactly long enough', [west('12:00:00')], '12:30:00'],
    ['long ago', [west('02:00:00')], '12:30:00'],
    ['every destination long enough ago', [west('12:00:00'), north('11:00:00')], '12:30:00'],
  ])('passes: %s', (_, deployments, now) => {
    expect(evaluateSoakTime(config, deployments, at(now))).toEqual({
      passed: true,
      reason: 'soaked 30m in staging',
      nextCheckAt: null,
    });
  });

  it.each<[string, SourceDeployment[] | undefined, string, string, string | null]>([
    [
      'too young',
      [west('17:30:00')],
      '17:45:40',
      '14m left of 30m in staging, ends 2026-11-22T18:00:00Z',
      '18:00:00',
    ],
    [
      'two minutes are the last whole ones',
      [west('17:30:00')],
      '17:57:59',
      '2m left of 30m in staging, ends 2026-11-22T18:00:00Z',
      '18:00:00',
    ],
    [
      'below two minutes, seconds count',
      [west('17:30:00')],
      '17:58:01',
      '1m 59s left of 30m in staging, ends 2026-11-22T18:00:00Z',
      '18:00:00',
    ],
    [
      'one millisecond too young',
      [west('17:30:00')],
      '17:59:59.999',
      '1s left of 30m in staging, ends 2026-11-22T18:00:00Z',
      '18:00:00',
    ],
    [
      'the youngest destination decides',
      [west('12:00:00'), north('12:10:00')],
      '12:30:00',
      '10m left of 30m in staging, ends 2026-11-22T12:40:00Z',
      '12:40:00',
    ],
    [
      'part of a second is rounded up in words, exact for the clock',
      [west('12:00:00.250')],
      '12:29:00',
      '1m 1s left of 30m in staging, ends 2026-11-22T12:30:01Z',
      '12:30:00.250',
    ],
    [
      'deployed in the future (clocks differ)',
      [west('13:00:00')],
      '12:00:00',
      '1h 30m left of 30m in staging, ends 2026-11-22T13:30:00Z',
      '13:30:00',
    ],
    ['never deployed', [west(null)], '12:00:00', 'not deployed to staging (eu-west) yet', null],
    [
      'deployed to a part only',
      [west('02:00:00'), north(null)],
      '12:00:00',
      'not deployed to staging (eu-north) yet',
      null,
    ],
    ['no destinations', [], '12:00:00', 'staging has no destinations', null],
    ['nothing known', undefined, '12:00:00', 'nothing is known of deployments to staging', null],
  ])('blocks: %s', (_, deployments, now, reason, nextCheckAt) => {
    expect(evaluateSoakTime(config, deployments, at(now))).toEqual({
      passed: false,
      reason,
      nextCheckAt: nextCheckAt === null ? null : at(nextCheckAt),
    });
  });

  it.each([0, -1, Number.NaN])('blocks on a duration of %d', (durationSeconds) => {
    const verdict = evaluateSoakTime({ ...config, durationSeconds }, [west('02:00:00')], at('12:00:00'));
    expect(verdict.passed).toBe(false);
  });
});

describe('soakWordsLastUntil', () => {
  it.each(['17:30:00', '17:30:00.001', '17:45:40', '17:57:59', '17:58:00', '17:58:00.500', '17:59:59.999'])(
    'tells the moment at which the words of %s change, and no earlier one',
    (now) => {
      const reasonAt = (moment: Date) => evaluateSoakTime(config, [west('17:30:00')], moment).reason;
      const until = soakWordsLastUntil(at('18:00:00'), at(now));
      expect(until.getTime()).toBeGreaterThan(at(now).getTime());
      for (let moment = at(now).getTime(); moment < until.getTime(); moment += 250) {
        expect(reasonAt(new Date(moment))).toBe(reasonAt(at(now)));
      }
      expect(reasonAt(new Date(until.getTime() - 1))).toBe(reasonAt(at(now)));
      expect(reasonAt(until)).not.toBe(reasonAt(at(now)));
    },
  );
});
