import type { ReleaseMode } from '#domain/release/stage.ts';

/** One field of a destination's metadata, as a form shows it. */
export interface MetadataField {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly required: boolean;
  /** `secret` is written, never read back. */
  readonly fieldType: 'text' | 'url' | 'number' | 'boolean' | 'secret';
  readonly defaultValue: string;
}

/** What a destination is told of one release. */
export interface Delivery {
  readonly releaseId: string;
  readonly releaseIntentId: string;
  readonly organisation: string;
  readonly project: string;
  readonly environment: string;
  readonly destination: string;
  readonly mode: ReleaseMode;
  readonly force: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly artifact: {
    readonly id: string;
    readonly slug: string;
    readonly title: string;
    readonly commitSha: string;
    readonly branch: string | null;
    readonly version: string | null;
    readonly metadata: Readonly<Record<string, string>>;
  };
  /** With which the destination calls `ReleaseService.ReportRelease`; made anew for each attempt. */
  readonly reportToken: string;
  /** When the attempt began that is being taken over or made; a delivery that is resumed keeps it. */
  readonly startedAt: Date;
}

/** How a delivery ended, or that it goes on elsewhere until it is reported. */
export type Outcome =
  | { readonly status: 'SUCCEEDED'; readonly planOutput?: string }
  | { readonly status: 'FAILED' | 'TIMED_OUT'; readonly errorMessage: string }
  | { readonly status: 'RUNNING' };

export interface DeliveryRun {
  /** Appends a line to the release's log. */
  log(line: string, channel?: 'stdout' | 'stderr'): void;
  /** Marks the release as running: the destination has begun. */
  running(): Promise<void>;
  /** Aborts when the server stops, the lease is lost or the release is cancelled. */
  readonly signal: AbortSignal;
}

export interface DestinationType {
  readonly organisation: string;
  readonly name: string;
  readonly version: number;
  readonly description: string;
  readonly fields: readonly MetadataField[];
  /** Seconds after which a release to a destination with this metadata counts as timed out. */
  timeoutSeconds(metadata: Readonly<Record<string, string>>): number;
  /** Problems of metadata beyond required fields and their kinds; empty when all is well. */
  check(metadata: Readonly<Record<string, string>>): readonly { field: string; message: string }[];
  /** Carries out one delivery. Idempotent by the release id: it may be called again after a crash. */
  deliver(delivery: Delivery, run: DeliveryRun): Promise<Outcome>;
}

/** The types this server knows, by `organisation/name@version`. */
export interface DestinationTypes {
  list(): readonly DestinationType[];
  find(organisation: string, name: string, version: number): DestinationType | undefined;
}
