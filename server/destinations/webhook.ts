import pRetry from 'p-retry';
import { Webhook } from 'standardwebhooks';
import type { Clock } from '#server/context.ts';
import type { Delivery, DeliveryRun, DestinationType, Outcome } from './destination-type.ts';
import { type PostAnswer, post } from './http-post.ts';
import type { Metadata } from './metadata.ts';
import { TargetRefused, type TargetRules, targetProblem } from './target.ts';

const DEFAULT_TIMEOUT_SECONDS = 300;
const MAX_TIMEOUT_SECONDS = 86_400;
/** Bytes of an answer that are read: a plan's text, or enough to say what went wrong. */
const PLAN_LIMIT = 1_000_000;
const ANSWER_LIMIT = 16_000;
const SHOWN_CHARACTERS = 200;
const ATTEMPTS = 5;
/** A receiver that asks for more patience than this is asked again after it all the same. */
const MAX_RETRY_AFTER_MS = 60_000;
/** `ReleaseService.ReportRelease` in the Connect protocol: a POST of JSON. */
const REPORT_PATH = '/forest.v1.ReleaseService/ReportRelease';
const RETRIED_STATUSES = new Set([408, 425, 429]);

export interface WebhookOptions {
  readonly clock: Clock;
  /** The server's address without a trailing slash, where outcomes are reported; null while it is not known. */
  readonly publicUrl: () => string | null;
  /** Where webhooks may lead to. */
  readonly targets: TargetRules;
  /** Headers by which a receiver continues our trace; none unless given. */
  readonly traceHeaders?: () => Readonly<Record<string, string>>;
  /** Milliseconds before the second attempt; doubled for each further one. */
  readonly firstRetryMs?: number;
  /** From 0 up to 1: how much of a wait is left to chance. */
  readonly random?: () => number;
}

/** An attempt that may go better next time. */
class Retryable extends Error {
  readonly retryAfter: string | null;
  constructor(message: string, retryAfter: string | null) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

/** An end that another attempt would not change. */
class Refused extends Error {}

class OutOfTime extends Error {}

const timeoutOf = (metadata: Metadata): number => Number(metadata.timeout_seconds ?? DEFAULT_TIMEOUT_SECONDS);

/** Without user, password and query, which may be secret. */
const shownAddress = (url: URL): string => `${url.origin}${url.pathname}`;

/** Milliseconds that a `Retry-After` header asks for (seconds or an HTTP date), or null when it says nothing usable. */
export function retryAfterMs(header: string | null, now: Date): number | null {
  if (header === null) return null;
  const text = header.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now.getTime();
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

function requestBody(delivery: Delivery, timestamp: Date, publicUrl: string | null): string {
  const { artifact } = delivery;
  return JSON.stringify({
    type: 'release.requested',
    timestamp: timestamp.toISOString(),
    release_id: delivery.releaseId,
    release_intent_id: delivery.releaseIntentId,
    organisation: delivery.organisation,
    project: delivery.project,
    environment: delivery.environment,
    destination: delivery.destination,
    mode: delivery.mode,
    force: delivery.force,
    artifact: {
      id: artifact.id,
      slug: artifact.slug,
      title: artifact.title,
      commit_sha: artifact.commitSha,
      branch: artifact.branch,
      version: artifact.version,
      metadata: artifact.metadata,
    },
    report_token: delivery.reportToken,
    ...(publicUrl === null ? {} : { report_url: `${publicUrl}${REPORT_PATH}` }),
  });
}

/** The answer without what only the receiver is to know: one that echoes its request would show it to all members. */
function withoutSecrets(answer: PostAnswer, { reportToken, metadata }: Delivery): PostAnswer {
  const secrets = [reportToken, metadata.secret ?? ''].filter((secret) => secret !== '');
  // A body that was cut in the middle of one would still begin it.
  const body = secrets.reduce(
    (text, secret) => withoutStart(text.replaceAll(secret, '…'), secret),
    answer.body,
  );
  return { ...answer, body };
}

/** A text without the beginning of a secret at its end, where that is long enough to be one. */
function withoutStart(text: string, secret: string): string {
  for (let length = Math.min(secret.length - 1, text.length); length >= 8; length--)
    if (text.endsWith(secret.slice(0, length))) return `${text.slice(0, -length)}…`;
  return text;
}

function refusal(answer: PostAnswer, address: string): string {
  const words = answer.body.replace(/\s+/g, ' ').trim().slice(0, SHOWN_CHARACTERS);
  const redirect = answer.status >= 300 && answer.status < 400 ? ' (redirects are not followed)' : '';
  return `${address} answered ${answer.status}${redirect}${words === '' ? '' : `: ${words}`}`;
}

function accepted(answer: PostAnswer, delivery: Delivery): Outcome {
  if (answer.status === 202) return { status: 'RUNNING' };
  if (delivery.mode !== 'plan') return { status: 'SUCCEEDED' };
  const cut = answer.truncated ? `\n… cut after ${PLAN_LIMIT} bytes` : '';
  return { status: 'SUCCEEDED', planOutput: answer.body + cut };
}

/** Problems of the fields that their kinds do not show. */
function check(metadata: Metadata, targets: TargetRules): { field: string; message: string }[] {
  const problems: { field: string; message: string }[] = [];
  const target = targetProblem(new URL(metadata.url ?? ''), targets);
  if (target !== null) problems.push({ field: 'url', message: target });
  const timeout = timeoutOf(metadata);
  if (!Number.isInteger(timeout) || timeout < 1 || timeout > MAX_TIMEOUT_SECONDS) {
    problems.push({
      field: 'timeout_seconds',
      message: `must be a whole number from 1 to ${MAX_TIMEOUT_SECONDS}`,
    });
  }
  const secret = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(metadata.secret ?? '')?.[1];
  // The scheme asks for 24 to 64 bytes.
  const bytes = secret === undefined || secret.length % 4 !== 0 ? 0 : Buffer.from(secret, 'base64').length;
  if (bytes < 24 || bytes > 64) {
    problems.push({ field: 'secret', message: 'must be whsec_ and the base64 of 24 to 64 random bytes' });
  }
  return problems;
}

/**
 * `forage/webhook@1`: tells a receiver of the release by a POST that is signed by the Standard Webhooks scheme, with the
 * release id as `webhook-id`, which stays the same however often it is sent. A 2xx answer ends the release well, 202
 * leaves it running until `ReportRelease`. Network errors, 408, 425, 429 and 5xx are tried again, five times in all;
 * other answers fail at once, and so does a receiver at a place that is not called. Everything together may take `timeout_seconds` from the first attempt on.
 */
export function createWebhook(options: WebhookOptions): DestinationType {
  const { clock, firstRetryMs = 500, random = Math.random } = options;

  const attempt = async (delivery: Delivery, run: DeliveryRun, signal: AbortSignal): Promise<Outcome> => {
    const { secret = '' } = delivery.metadata;
    if (secret === '') throw new Refused('the destination has no signing secret any more: give it one');
    const url = new URL(delivery.metadata.url ?? '');
    const address = shownAddress(url);
    const now = clock.now();
    const body = requestBody(delivery, now, options.publicUrl());
    const headers = {
      ...options.traceHeaders?.(),
      'content-type': 'application/json',
      'user-agent': 'Forage/1 (webhook)',
      'webhook-id': delivery.releaseId,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign(delivery.releaseId, now, body),
    };
    run.log(`POST ${address}`);
    let answer: PostAnswer;
    try {
      const limit = delivery.mode === 'plan' ? PLAN_LIMIT : ANSWER_LIMIT;
      const sent = await post(url, headers, body, { limit, signal, rules: options.targets });
      answer = withoutSecrets(sent, delivery);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TargetRefused) throw new Refused(`${address} ${error.message}`);
      const why = error instanceof Error ? error.message || error.name : String(error);
      throw new Retryable(`${address} could not be reached: ${why}`, null);
    }
    if (answer.status >= 200 && answer.status < 300) {
      run.log(`${address} answered ${answer.status}`);
      return accepted(answer, delivery);
    }
    const words = refusal(answer, address);
    if (answer.status >= 500 || RETRIED_STATUSES.has(answer.status)) {
      throw new Retryable(words, answer.retryAfter);
    }
    throw new Refused(words);
  };

  const deliver = async (delivery: Delivery, run: DeliveryRun): Promise<Outcome> => {
    const seconds = timeoutOf(delivery.metadata);
    const left = delivery.startedAt.getTime() + seconds * 1000 - clock.now().getTime();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new OutOfTime()), Math.max(left, 0));
    const signal = AbortSignal.any([run.signal, late.signal]);
    try {
      await run.running();
      return await pRetry(() => attempt(delivery, run, signal), {
        retries: ATTEMPTS - 1,
        // The waiting is done below, by the clock that was passed in and with what the receiver asks for.
        minTimeout: 0,
        signal,
        shouldRetry: ({ error }) => error instanceof Retryable,
        onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
          run.log(error.message, 'stderr');
          if (retriesLeft === 0 || !(error instanceof Retryable)) return;
          const backoff = firstRetryMs * 2 ** (attemptNumber - 1) * (1 + random() / 2);
          const wait = Math.max(backoff, retryAfterMs(error.retryAfter, clock.now()) ?? 0);
          run.log(`trying again in ${(wait / 1000).toFixed(1)} s`);
          await clock.sleep(wait, signal);
        },
      });
    } catch (error) {
      run.signal.throwIfAborted();
      if (late.signal.aborted) {
        const address = shownAddress(new URL(delivery.metadata.url ?? ''));
        return { status: 'TIMED_OUT', errorMessage: `${address} did not finish within ${seconds} s` };
      }
      if (error instanceof Retryable) {
        return { status: 'FAILED', errorMessage: `${error.message} (tried ${ATTEMPTS} times)` };
      }
      if (error instanceof Refused) return { status: 'FAILED', errorMessage: error.message };
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    organisation: 'forage',
    name: 'webhook',
    version: 1,
    description:
      'Tells a receiver of yours by a signed POST (Standard Webhooks): 2xx means released, 202 that it reports the outcome later by ReportRelease.',
    fields: [
      {
        name: 'url',
        label: 'URL',
        description:
          'Where the request is sent, on the public internet unless the server allows more. Redirects are not followed.',
        required: true,
        fieldType: 'url',
        defaultValue: '',
      },
      {
        name: 'secret',
        label: 'Signing secret',
        description:
          'whsec_ and the base64 of 24 to 64 random bytes; the receiver checks the signature with it.',
        required: true,
        fieldType: 'secret',
        defaultValue: '',
      },
      {
        name: 'timeout_seconds',
        label: 'Timeout in seconds',
        description: `How long a release may take in all, from 1 to ${MAX_TIMEOUT_SECONDS}.`,
        required: false,
        fieldType: 'number',
        defaultValue: String(DEFAULT_TIMEOUT_SECONDS),
      },
    ],
    timeoutSeconds: timeoutOf,
    check: (metadata) => check(metadata, options.targets),
    deliver,
  };
}
