import type { Clock } from '#server/context.ts';
import type { Delivery, DestinationType } from './destination-type.ts';
import type { Metadata } from './metadata.ts';

const MAX_SECONDS = 3600;

const secondsOf = (metadata: Metadata): number => Number(metadata.seconds ?? '0');

function planOf(delivery: Delivery): string {
  const { artifact, environment, destination } = delivery;
  const version = artifact.version === null ? '' : ` ${artifact.version}`;
  return [
    `${artifact.slug}${version} (${artifact.commitSha})`,
    `would go to ${destination} in ${environment}.`,
    'forage/noop deploys nothing, so there is nothing to change.',
  ].join('\n');
}

/**
 * `forage/noop@1`: deploys nothing; for trying out policies and pipelines. It succeeds after `seconds`, or fails on request. A
 * delivery that is resumed after a crash counts them from its first start.
 */
export function createNoop(clock: Clock): DestinationType {
  return {
    organisation: 'forage',
    name: 'noop',
    version: 1,
    description:
      'Deploys nothing; for trying out policies and pipelines. Succeeds immediately or after a set time, or fails on request.',
    fields: [
      {
        name: 'seconds',
        label: 'Seconds',
        description: `The simulated duration: a whole number from 0 to ${MAX_SECONDS}.`,
        fieldType: 'number',
        defaultValue: '0',
      },
      {
        name: 'fail',
        label: 'Fail',
        description: 'Whether every release fails: true or false.',
        fieldType: 'boolean',
        defaultValue: 'false',
      },
      {
        name: 'fail_message',
        label: 'Failure message',
        description: 'The error of a release that fails.',
        fieldType: 'text',
        defaultValue: 'failed on request',
      },
    ],
    // It ends on its own; the extra minute is for a server that was down.
    timeoutSeconds: (metadata) => secondsOf(metadata) + 60,
    check(metadata) {
      const seconds = secondsOf(metadata);
      if (Number.isInteger(seconds) && seconds >= 0 && seconds <= MAX_SECONDS) return [];
      return [{ field: 'seconds', message: `must be a whole number from 0 to ${MAX_SECONDS}` }];
    },
    canPlan: () => true,
    async deliver(delivery, run) {
      await run.running();
      const seconds = secondsOf(delivery.metadata);
      run.log(
        `forage/noop: ${delivery.mode} of ${delivery.artifact.slug} to ${delivery.destination}; nothing is deployed, duration ${seconds} s`,
      );
      const left = delivery.startedAt.getTime() + seconds * 1000 - clock.now().getTime();
      if (left > 0) await clock.sleep(left, run.signal);
      if (delivery.metadata.fail === 'true') {
        const errorMessage = delivery.metadata.fail_message ?? 'failed on request';
        return { status: 'FAILED', errorMessage, reported: true };
      }
      return delivery.mode === 'plan'
        ? { status: 'SUCCEEDED', planOutput: planOf(delivery) }
        : { status: 'SUCCEEDED' };
    },
  };
}
