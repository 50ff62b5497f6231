import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Logger } from 'pino';
import { type Config, ConfigError } from '#server/config.ts';

const SOON_DAYS = 14;

export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Until when the certificate holds. */
  readonly validTo: Date;
}

/**
 * Reads the certificate (with its chain) and its key.
 * @throws ConfigError with one line that names the variable whose file is missing or wrong.
 */
export function readTls(files: NonNullable<Config['tls']>): TlsPair {
  const cert = read('TLS_CERT', files.cert);
  const key = read('TLS_KEY', files.key);
  attempt(`TLS_CERT: ${files.cert} holds no certificate in PEM`, () => createSecureContext({ cert }));
  attempt(`TLS_KEY: ${files.key} holds no private key in PEM without a passphrase`, () =>
    createSecureContext({ key }),
  );
  attempt(`TLS_KEY: ${files.key} is not the key of the certificate in ${files.cert}`, () =>
    createSecureContext({ cert, key }),
  );
  return { cert, key, validTo: new X509Certificate(cert).validToDate };
}

/** Says until when a certificate holds that has come into use; loudly when that is soon. */
export function tellValidity(log: Logger, { validTo }: TlsPair, now: Date): void {
  const days = Math.floor((validTo.getTime() - now.getTime()) / 86_400_000);
  if (days < SOON_DAYS) log.warn({ validTo, days }, 'the certificate ends soon or has ended: renew TLS_CERT');
  else log.info({ validTo, days }, 'a certificate is in use');
}

function read(variable: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ConfigError(`${variable}: ${path} cannot be read: ${wordsOf(error)}`);
  }
}

function attempt(words: string, work: () => unknown): void {
  try {
    work();
  } catch (error) {
    throw new ConfigError(`${words}: ${wordsOf(error)}`);
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
