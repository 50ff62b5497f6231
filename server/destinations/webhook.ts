import { Webhook } from 'standardwebhooks';
import type { Clock } from '#server/context.ts';
import type {
  CancelledDelivery,
  Delivery,
  DeliveryRun,
  DestinationType,
  Outcome,
} from './destination-type.ts';
import { type PostAnswer, post } from './http-post.ts';
import type { Metadata } from './metadata.ts';
import { TargetRefused, type TargetRules, targetProblem } from './target.ts';

const DEFAULT_TIMEOUT_SECONDS = 300;
const MAX_TIMEOUT_SECONDS = 86_400;
/** How many bytes of an answer are read: a plan, or enough for an error message. */
const MAX_PLAN_BYTES = 1_000_000;
const MAX_ANSWER_BYTES = 16_000;
const MAX_QUOTED_CHARACTERS = 200;
/** The longest pause between two attempts. */
const MAX_PAUSE_MS = 60_000;
/** `ReleaseService.ReportRelease` in the Connect protocol: a POST of JSON. */
const REPORT_PATH = '/forest.v1.ReleaseService/ReportRelease';
const RETRIED_STATUSES = new Set([408, 425, 429]);

export interface WebhookOptions {
  readonly clock: Clock;
  /** The server's URL without a trailing slash, for reports; null while it is unknown. */
  readonly publicUrl: () => string | null;
  /** Which addresses may be called. */
  readonly targets: TargetRules;
  /** Seconds in which the headers of an answer must arrive. */
  readonly answerSeconds: number;
  /** Headers that propagate the current trace; none by default. */
  readonly traceHeaders?: () => Readonly<Record<string, string>>;
  /** Milliseconds before the second attempt; doubled for each further one, up to a minute, plus up to 50 % of jitter. */
  readonly firstRetryMs?: number;
  /** For the jitter: from 0 up to 1. */
  readonly random?: () => number;
}

/** A failed attempt that is retried. */
class Retryable extends Error {
  readonly retryAfter: string | null;
  constructor(message: string, retryAfter: string | null) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

/** A failed attempt that is not retried; `reported` when the receiver itself rejected the release. */
class Rejected extends Error {
  readonly reported: boolean;
  constructor(message: string, reported: boolean) {
    super(message);
    this.reported = reported;
  }
}

/** The headers of an answer did not arrive in time. */
class NoAnswer extends Error {}

const timeoutOf = (metadata: Metadata): number => Number(metadata.timeout_seconds ?? DEFAULT_TIMEOUT_SECONDS);

/** Without the query, which may be secret. */
const shownAddress = (url: URL): string => `${url.origin}${url.pathname}`;

/** The wait of a `Retry-After` header (seconds or an HTTP date) in milliseconds, at most a minute; null for an invalid one. */
export function retryAfterMs(header: string | null, now: Date): number | null {
  if (header === null) return null;
  const text = header.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now.getTime();
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), MAX_PAUSE_MS);
}

function requestBody(delivery: Delivery, timestamp: Date, publicUrl: string | null): string {
  const { commitSha, ...artifact } = delivery.artifact;
  return JSON.stringify({
    // Receivers that do not know plans refuse an unknown type.
    type: delivery.mode === 'plan' ? 'plan.requested' : 'release.requested',
    timestamp: timestamp.toISOString(),
    release_id: delivery.releaseId,
    release_intent_id: delivery.releaseIntentId,
    run: delivery.run,
    organisation: delivery.organisation,
    project: delivery.project,
    environment: delivery.environment,
    destination: delivery.destination,
    mode: delivery.mode,
    force: delivery.mode === 'deploy' && delivery.force,
    artifact: { ...artifact, commit_sha: commitSha },
    report_token: delivery.reportToken,
    ...(publicUrl === null ? {} : { report_url: `${publicUrl}${REPORT_PATH}` }),
  });
}

/** Has nothing that could be deployed with. */
const cancelBody = (delivery: CancelledDelivery, timestamp: Date): string =>
  JSON.stringify({
    type: 'release.cancelled',
    timestamp: timestamp.toISOString(),
    release_id: delivery.releaseId,
    release_intent_id: delivery.releaseIntentId,
    run: delivery.run,
    organisation: delivery.organisation,
    project: delivery.project,
    environment: delivery.environment,
    destination: delivery.destination,
  });

/** The idempotency key of a delivery: each run is a delivery of its own. */
const deliveryId = ({ releaseId, run }: Pick<Delivery, 'releaseId' | 'run'>): string =>
  run === 1 ? releaseId : `${releaseId}.${run}`;

/** The answer without the delivery's secrets: a receiver that echoes its request would show them to all members. */
function withoutSecrets(answer: PostAnswer, { reportToken, metadata }: Delivery): PostAnswer {
  const secrets = [reportToken, metadata.secret ?? ''].filter((secret) => secret !== '');
  const body = secrets.reduce(
    (text, secret) => withoutStart(text.replaceAll(secret, '…'), secret),
    answer.body,
  );
  return { ...answer, body };
}

/** A text that does not end with the first 8 or more characters of a secret, as a truncated answer can. */
function withoutStart(text: string, secret: string): string {
  for (let length = Math.min(secret.length - 1, text.length); length >= 8; length--)
    if (text.endsWith(secret.slice(0, length))) return `${text.slice(0, -length)}…`;
  return text;
}

function rejection(answer: PostAnswer, address: string): string {
  const quoted = answer.body.replace(/\s+/g, ' ').trim().slice(0, MAX_QUOTED_CHARACTERS);
  const redirect = answer.status >= 300 && answer.status < 400 ? ' (redirects are not followed)' : '';
  return `${address} answered ${answer.status}${redirect}${quoted === '' ? '' : `: ${quoted}`}`;
}

function accepted(answer: PostAnswer, delivery: Delivery): Outcome {
  if (answer.status === 202) return { status: 'RUNNING' };
  if (delivery.mode !== 'plan') return { status: 'SUCCEEDED' };
  const notice = answer.truncated ? `\n… truncated after ${MAX_PLAN_BYTES} bytes` : '';
  return { status: 'SUCCEEDED', planOutput: answer.body + notice };
}

function check(metadata: Metadata, targets: TargetRules): { field: string; message: string }[] {
  const problems: { field: string; message: string }[] = [];
  const refuse = (field: string, message: string) => problems.push({ field, message });
  const target = targetProblem(new URL(metadata.url ?? ''), targets);
  if (target !== null) refuse('url', target);
  const timeout = timeoutOf(metadata);
  if (!Number.isInteger(timeout) || timeout < 1 || timeout > MAX_TIMEOUT_SECONDS) {
    refuse('timeout_seconds', `must be a whole number from 1 to ${MAX_TIMEOUT_SECONDS}`);
  }
  const secret = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(metadata.secret ?? '')?.[1];
  // As the Standard Webhooks specification requires.
  const bytes = secret === undefined || secret.length % 4 !== 0 ? 0 : Buffer.from(secret, 'base64').length;
  if (bytes < 24 || bytes > 64) {
    refuse('secret', 'must be whsec_ followed by the base64 of 24 to 64 random bytes');
  }
  return problems;
}

/**
 * `forage/webhook@1`: sends the release to a receiver as a POST, signed by the Standard Webhooks scheme. Its type is
 * `release.requested` for a deployment, always, and `plan.requested` for a plan. The `webhook-id` is the
 * release id (from the second run on with `.<run>`) and is the same in every attempt. A 2xx answer means success; 202 means that the receiver calls `ReportRelease`
 * later. Network errors, 408, 425, 429, 5xx and an answer whose headers do not arrive within `answerSeconds` are retried as long as
 * `timeout_seconds` allows, also by the next server after a restart; other answers and forbidden addresses fail immediately. All attempts
 * together, and a report, must end within `timeout_seconds`.
 */
export function createWebhook(options: WebhookOptions): DestinationType {
  const { clock, firstRetryMs = 500, random = Math.random } = options;

  const send = (
    { url = '', secret = '' }: Metadata,
    { id, body, at }: { readonly id: string; readonly body: string; readonly at: Date },
    { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
  ): Promise<PostAnswer> => {
    const answered = new AbortController();
    const late = new AbortController();
    clock.sleep(options.answerSeconds * 1000, answered.signal).then(
      () => late.abort(new NoAnswer()),
      () => {},
    );
    const headers = {
      ...options.traceHeaders?.(),
      'content-type': 'application/json',
      'user-agent': 'Forage/1 (webhook)',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign(id, at, body),
    };
    return post(new URL(url), headers, body, {
      limit,
      signal: AbortSignal.any([signal, late.signal]),
      rules: options.targets,
      onHeaders: () => answered.abort(),
    }).finally(() => answered.abort());
  };

  const attempt = async (delivery: Delivery, run: DeliveryRun, signal: AbortSignal): Promise<Outcome> => {
    const { metadata } = delivery;
    if (!metadata.secret) throw new Rejected('the destination has no signing secret; enter one', false);
    const address = shownAddress(new URL(metadata.url ?? ''));
    const at = clock.now();
    const message = { id: deliveryId(delivery), body: requestBody(delivery, at, options.publicUrl()), at };
    run.log(`POST ${address}`);
    let answer: PostAnswer;
    try {
      const limit = delivery.mode === 'plan' ? MAX_PLAN_BYTES : MAX_ANSWER_BYTES;
      answer = withoutSecrets(await send(metadata, message, { limit, signal }), delivery);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TargetRefused) throw new Rejected(`${address} ${error.message}`, false);
      if (error instanceof NoAnswer) {
        const limit = `${address} did not answer within ${options.answerSeconds} s`;
        throw new Retryable(`${limit}; a receiver that needs longer answers 202 and reports later`, null);
      }
      const why = error instanceof Error ? error.message || error.name : String(error);
      throw new Retryable(`${address} could not be reached: ${why}`, null);
    }
    if (answer.status >= 200 && answer.status < 300) {
      run.log(`${address} answered ${answer.status}`);
      return accepted(answer, delivery);
    }
    const problem = rejection(answer, address);
    if (answer.status >= 500 || RETRIED_STATUSES.has(answer.status)) {
      throw new Retryable(problem, answer.retryAfter);
    }
    // A redirect is not followed, so it is no answer of the receiver.
    throw new Rejected(problem, answer.status >= 400);
  };

  const deliver = async (delivery: Delivery, run: DeliveryRun): Promise<Outcome> => {
    const seconds = timeoutOf(delivery.metadata);
    const left = () => delivery.startedAt.getTime() + seconds * 1000 - clock.now().getTime();
    const deadline = new AbortController();
    const ended = new AbortController();
    clock.sleep(Math.max(left(), 0), ended.signal).then(
      () => deadline.abort(new Error('the time limit is over')),
      () => {},
    );
    const signal = AbortSignal.any([run.signal, deadline.signal]);
    let failure: string | null = null;
    try {
      await run.running();
      for (let tried = 1; ; tried++) {
        const outcome = await attempt(delivery, run, signal).catch((error: unknown) => {
          if (error instanceof Retryable) return error;
          throw error;
        });
        if (!(outcome instanceof Retryable)) return outcome;
        failure = outcome.message;
        run.log(failure, 'stderr');
        const backoff = Math.min(firstRetryMs * 2 ** (tried - 1), MAX_PAUSE_MS) * (1 + random() / 2);
        const pause = Math.max(backoff, retryAfterMs(outcome.retryAfter, clock.now()) ?? 0);
        if (pause >= left()) {
          const times = tried === 1 ? 'once' : `${tried} times`;
          return { status: 'FAILED', errorMessage: `${failure} (tried ${times})`, reported: false };
        }
        run.log(`retrying in ${(pause / 1000).toFixed(1)} s`);
        await clock.sleep(pause, signal);
      }
    } catch (error) {
      run.signal.throwIfAborted();
      if (deadline.signal.aborted) {
        const address = shownAddress(new URL(delivery.metadata.url ?? ''));
        const before = failure === null ? '' : `; the attempt before: ${failure}`;
        return {
          status: 'TIMED_OUT',
          errorMessage: `${address} did not finish within ${seconds} s${before}`,
        };
      }
      if (error instanceof Rejected) {
        run.log(error.message, 'stderr');
        return { status: 'FAILED', errorMessage: error.message, reported: error.reported };
      }
      throw error;
    } finally {
      ended.abort();
    }
  };

  return {
    organisation: 'forage',
    name: 'webhook',
    version: 1,
    description:
      'Sends a signed POST (Standard Webhooks) to your receiver, which must verify the signature, deploy on the type release.requested only, and refuse types that it does not know. 2xx means deployed; 202 means that it reports the outcome later with ReportRelease.',
    fields: [
      {
        name: 'url',
        label: 'URL',
        description:
          'The receiver, on the public internet unless the server allows private addresses. Redirects are not followed.',
        required: true,
        fieldType: 'url',
      },
      {
        name: 'secret',
        label: 'Signing secret',
        description:
          'whsec_ followed by the base64 of 24 to 64 random bytes. The receiver verifies signatures with it.',
        required: true,
        fieldType: 'secret',
      },
      {
        name: 'timeout_seconds',
        label: 'Timeout in seconds',
        description: `The time limit of a release, with all attempts and the report: 1 to ${MAX_TIMEOUT_SECONDS} seconds. Each attempt must be answered within ${options.answerSeconds} seconds; a receiver that needs longer answers 202 and reports later.`,
        fieldType: 'number',
        defaultValue: String(DEFAULT_TIMEOUT_SECONDS),
      },
      {
        name: 'plans',
        label: 'Plans',
        description:
          'Whether the receiver makes plans. It must check the type first: plan.requested means that it answers with what a deployment would change, and deploys nothing.',
        fieldType: 'boolean',
        defaultValue: 'false',
      },
      {
        name: 'cancel_messages',
        label: 'Cancel messages',
        description:
          'Whether the receiver gets a message of type release.cancelled when a release is cancelled that was sent to it.',
        fieldType: 'boolean',
        defaultValue: 'false',
      },
    ],
    timeoutSeconds: timeoutOf,
    canPlan: (isOn) => isOn,
    check: (metadata) => check(metadata, options.targets),
    deliver,
    async cancel(delivery, signal) {
      if (delivery.metadata.cancel_messages !== 'true') return;
      const at = clock.now();
      const message = { id: `${deliveryId(delivery)}.cancel`, body: cancelBody(delivery, at), at };
      await send(delivery.metadata, message, { limit: MAX_ANSWER_BYTES, signal });
    },
  };
}
