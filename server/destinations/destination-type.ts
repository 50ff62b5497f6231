import type { ReleaseMode } from '#domain/release/stage.ts';

/** One field of a destination's metadata, as a form shows it. */
export interface MetadataField {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  /** By default false. */
  readonly required?: boolean;
  /** A `secret` can be set but is never shown. */
  readonly fieldType: 'text' | 'url' | 'number' | 'boolean' | 'secret';
  /** By default empty. */
  readonly defaultValue?: string;
}

/** One release, as a destination receives it. */
export interface Delivery {
  readonly releaseId: string;
  readonly releaseIntentId: string;
  /** 1, and one more with each retry. */
  readonly run: number;
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
  /** The credential for `ReleaseService.ReportRelease`; a new one for each attempt. */
  readonly reportToken: string;
  /** When the first attempt started; a delivery that is resumed after a crash keeps it. */
  readonly startedAt: Date;
}

/** A delivery that was sent and has been cancelled. */
export type CancelledDelivery = Omit<Delivery, 'mode' | 'force' | 'artifact' | 'reportToken' | 'startedAt'>;

/** How a delivery ended; `RUNNING`: the destination will report the outcome later. */
export type Outcome =
  | { readonly status: 'SUCCEEDED'; readonly planOutput?: string }
  | {
      readonly status: 'FAILED';
      readonly errorMessage: string;
      /** Whether the destination itself said so; otherwise it may have deployed all the same. */
      readonly reported: boolean;
    }
  | { readonly status: 'TIMED_OUT'; readonly errorMessage: string }
  | { readonly status: 'RUNNING' };

export interface DeliveryRun {
  /** Appends a line to the release's log. */
  log(line: string, channel?: 'stdout' | 'stderr'): void;
  /** Marks the release as running: the destination has started. */
  running(): Promise<void>;
  /** Aborts when the server stops, the lease is lost or the release is cancelled. */
  readonly signal: AbortSignal;
}

export interface TypeName {
  readonly organisation: string;
  readonly name: string;
  readonly version: number;
}

/** The error of a plan for a destination that makes none. */
export const CANNOT_PLAN =
  'it cannot plan; an admin can turn on Plans in its settings once its receiver handles plan.requested';

export const labelOf = ({ organisation, name, version }: TypeName): string =>
  `${organisation}/${name}@${version}`;

export interface DestinationType extends TypeName {
  readonly description: string;
  readonly fields: readonly MetadataField[];
  /** Seconds after which a release to a destination with this metadata times out. */
  timeoutSeconds(metadata: Readonly<Record<string, string>>): number;
  /** Problems that the fields' declarations do not cover; empty when there are none. */
  check(metadata: Readonly<Record<string, string>>): readonly { field: string; message: string }[];
  /**
   * Whether a destination makes plans; if not, none is delivered to it.
   * @param isOn whether its field `plans` is `true`.
   */
  canPlan(isOn: boolean): boolean;
  /** Delivers one release. Idempotent by the release id: it may be called again after a crash. */
  deliver(delivery: Delivery, run: DeliveryRun): Promise<Outcome>;
  /** Tells the destination that a delivery was cancelled, if its metadata asks for that. Rejects if it could not. */
  cancel?(delivery: CancelledDelivery, signal: AbortSignal): Promise<void>;
}

/** The types that this server can deliver to. */
export interface DestinationTypes {
  list(): readonly DestinationType[];
  find(type: TypeName): DestinationType | undefined;
}
