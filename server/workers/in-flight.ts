import { MAX_DELIVERIES_PER_ORGANISATION } from '#domain/release/waits-for.ts';
import type { Claim } from '#server/features/deliveries/claim.ts';
import { DeliveryLost } from './delivery-run.ts';

/** The most deliveries that one server makes at the same time, to protect its memory. */
const MAX_DELIVERIES = 5_000;

export interface InFlight {
  readonly claim: Claim;
  readonly abort: AbortController;
}

/** The deliveries that this server makes now, by release and by destination, with the limits on their number. */
export class DeliveriesInFlight {
  private readonly byRelease = new Map<string, InFlight>();
  private readonly byDestination = new Map<string, InFlight>();
  /** Deliveries and reservations of each organisation. */
  private readonly taken = new Map<string, number>();
  private total = 0;

  get size(): number {
    return this.byRelease.size;
  }

  values(): readonly InFlight[] {
    return [...this.byRelease.values()];
  }

  has(releaseId: string): boolean {
    return this.byRelease.has(releaseId);
  }

  /** How many more deliveries an organisation may have now. */
  room(organisationId: string): number {
    const left = MAX_DELIVERIES_PER_ORGANISATION - (this.taken.get(organisationId) ?? 0);
    return Math.max(0, Math.min(left, MAX_DELIVERIES - this.total));
  }

  /** Reserves places for deliveries that are being claimed, or returns them with a negative number. */
  reserve(organisationId: string, count: number): void {
    this.total += count;
    const taken = (this.taken.get(organisationId) ?? 0) + count;
    if (taken > 0) this.taken.set(organisationId, taken);
    else this.taken.delete(organisationId);
  }

  /**
   * Adds a delivery. An earlier one to its destination is aborted: a destination runs one release at a time, so that one has ended or
   * was lost, and has not noticed yet.
   */
  add(claim: Claim): InFlight {
    const entry: InFlight = { claim, abort: new AbortController() };
    this.byDestination.get(claim.destinationId)?.abort.abort(new DeliveryLost('the release has ended'));
    this.byDestination.set(claim.destinationId, entry);
    this.byRelease.set(claim.delivery.releaseId, entry);
    this.reserve(claim.organisationId, 1);
    return entry;
  }

  remove(entry: InFlight): void {
    const { organisationId, destinationId, delivery } = entry.claim;
    if (this.byRelease.get(delivery.releaseId) === entry) this.byRelease.delete(delivery.releaseId);
    if (this.byDestination.get(destinationId) === entry) this.byDestination.delete(destinationId);
    this.reserve(organisationId, -1);
  }
}
