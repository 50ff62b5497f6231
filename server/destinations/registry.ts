import { type DestinationTypes, labelOf } from './destination-type.ts';
import { createNoop } from './noop.ts';
import { createWebhook, type WebhookOptions } from './webhook.ts';

/** To add a destination type, create a file in this folder and add it to this list. */
export function createDestinationTypes(options: WebhookOptions): DestinationTypes {
  const types = [createNoop(options.clock), createWebhook(options)];
  return {
    list: () => types,
    find: (type) => types.find((one) => labelOf(one) === labelOf(type)),
  };
}
