/*
 * What each destination runs of a project, replayed from its deliveries: a second, minimal implementation of "What is live" that
 * shares no code with the product. Positions are those of events in the order of commits; times are in milliseconds.
 */

/** Builds of one commit have one order; a newer build has a higher one. */
export interface Build {
  readonly artifactId: string;
  readonly order: number;
  readonly branch: string | null;
}

/** A delivery that has started. */
export interface Started {
  readonly releaseId: string;
  readonly run: number;
  readonly build: Build;
  readonly started: number;
  ended: number | null;
  /** Its end was decided by the server, which does not know how it went. */
  unknown: boolean;
  /** It did not end in success, as far as is known. */
  failed: boolean;
}

/** A time in which a build, or an equal one, was live without interruption. */
export interface Stay {
  readonly order: number;
  readonly branch: string | null;
  readonly position: number;
  readonly began: number;
  /** The end is null while it lasts. */
  ended: number | null;
  /** The end where newer builds do not end it. */
  outdated: number | null;
}

interface Live {
  readonly build: Build | null;
  /** When it went live. */
  readonly since: number;
  readonly releaseId: string | null;
}

export class ReplayedPlace {
  readonly deliveries: Started[] = [];
  readonly stays: Stay[] = [];
  live: Live | null = null;
  /** The start of the delivery whose late report made the live build uncertain. */
  private doubt: number | null = null;

  start(releaseId: string, run: number, build: Build, position: number, at: number): void {
    const delivery = { releaseId, run, build, started: position };
    this.deliveries.push({ ...delivery, ended: null, unknown: false, failed: false });
    this.closeOthers(build.order, at);
  }

  /** Without a start that was seen, nothing was sent. */
  end(releaseId: string, success: boolean, reported: boolean, position: number, at: number): void {
    const one = this.deliveries.findLast((each) => each.releaseId === releaseId && each.ended === null);
    if (one === undefined) return;
    one.ended = position;
    one.unknown = !success && !reported;
    one.failed = !success;
    if (success) this.goLive(one.build, releaseId, this.doubtAfter(one), position, at);
    else this.interrupt(one.build.order, at);
  }

  /** "Late success: that build is live from the report on, uncertain if another delivery to the place has started meanwhile." */
  reportLate(releaseId: string, run: number, success: boolean, position: number, at: number): void {
    const one = this.deliveries.find((each) => each.releaseId === releaseId && each.run === run);
    if (one === undefined) return;
    one.unknown = false;
    one.failed = false;
    const before = this.doubtAfter(one);
    const isDoubtful = this.deliveries.some(({ started }) => started > one.started);
    if (success) this.goLive(one.build, releaseId, before ?? (isDoubtful ? one.started : null), position, at);
    if (!isDoubtful || before !== null) return;
    this.doubt = one.started;
    this.closeOthers(null, at);
  }

  /** An admin said what runs there; null: nothing. */
  settle(build: Build | null, position: number, at: number): void {
    this.goLive(build, null, null, position, at);
  }

  isUncertain(): boolean {
    const started = this.startOfLive();
    return this.doubt !== null || this.deliveries.some((one) => one.failed && one.started > started);
  }

  /** Whether a newer delivery than the live one's that ended unknown may have left a newer build than this one there. */
  mayRunNewer(build: Build, since: number): boolean {
    const started = this.startOfLive();
    return this.deliveries.some(
      (one) =>
        one.unknown && one.started > started && (one.ended ?? 0) > since && one.build.order > build.order,
    );
  }

  /** Whether the build, or an equal one, is or was live there. */
  hasRun({ order }: Build): boolean {
    return this.live?.build?.order === order || this.stays.some((stay) => stay.order === order);
  }

  /** When a newer build of another branch went live there last; -1 for never. */
  otherBranchSince(build: Build): number {
    const isOther = (one: { readonly order: number; readonly branch: string | null }) =>
      one.order > build.order && one.branch !== null && build.branch !== null && one.branch !== build.branch;
    const live = this.live?.build != null && isOther(this.live.build) ? this.live.since : -1;
    return Math.max(live, ...this.stays.filter(isOther).map(({ position }) => position));
  }

  private startOfLive(): number {
    if (this.live === null) return -1;
    const { releaseId, since } = this.live;
    const own = this.deliveries.filter((one) => one.releaseId === releaseId).map(({ started }) => started);
    return own.length === 0 ? since : Math.max(...own);
  }

  /** What stays doubtful after the end of a delivery that had started before the doubt. */
  private doubtAfter({ started }: Started): number | null {
    return this.doubt !== null && this.doubt > started ? this.doubt : null;
  }

  private goLive(
    build: Build | null,
    releaseId: string | null,
    doubt: number | null,
    position: number,
    at: number,
  ): void {
    const isOpen = this.stays.some(({ order, ended }) => order === build?.order && ended === null);
    const same = this.live?.build?.artifactId === build?.artifactId;
    const stays = doubt === null && this.doubt === null && same && isOpen;
    this.live = { build, releaseId, since: stays ? (this.live?.since ?? position) : position };
    this.doubt = doubt;
    this.closeOthers(build?.order ?? null, at);
    if (build === null) return;
    const { order, branch } = build;
    if (doubt !== null) this.interrupt(order, at);
    else if (!isOpen) this.stays.push({ order, branch, position, began: at, ended: null, outdated: null });
  }

  private closeOthers(order: number | null, at: number): void {
    for (const stay of this.stays) {
      if (stay.order !== order) stay.ended ??= at;
      if (order === null || stay.order > order) stay.outdated ??= at;
    }
  }

  private interrupt(order: number, at: number): void {
    for (const stay of this.stays.filter((one) => one.order === order)) {
      stay.ended ??= at;
      stay.outdated ??= at;
    }
  }
}
