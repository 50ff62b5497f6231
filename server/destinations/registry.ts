import type { DestinationType, DestinationTypes } from './destination-type.ts';
import { createNoop } from './noop.ts';
import { createWebhook, type WebhookOptions } from './webhook.ts';

/** The types that this server can deliver to. A new type is one file here and one line below. */
export function createDestinationTypes(options: WebhookOptions): DestinationTypes {
  return destinationTypesOf([createNoop(options.clock), createWebhook(options)]);
}

/** A registry of just these types. */
function destinationTypesOf(types: readonly DestinationType[]): DestinationTypes {
  return {
    list: () => types,
    find: (organisation, name, version) =>
      types.find((t) => t.organisation === organisation && t.name === name && t.version === version),
  };
}
