import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Logger } from 'pino';
import { type Config, ConfigError } from '#server/config.ts';

const WARN_DAYS = 14;

export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** When the certificate expires. */
  readonly validTo: Date;
}

/**
 * Reads the certificate chain and its key.
 * @throws ConfigError that names the variable whose file is missing or invalid
 */
export function readTls(files: NonNullable<Config['tls']>): TlsPair {
  const cert = read('TLS_CERT', files.cert);
  const key = read('TLS_KEY', files.key);
  check(`TLS_CERT: ${files.cert} does not contain a PEM certificate`, { cert });
  check(`TLS_KEY: ${files.key} does not contain a PEM private key without a passphrase`, { key });
  check(`TLS_KEY: ${files.key} does not match the certificate in ${files.cert}`, { cert, key });
  return { cert, key, validTo: new X509Certificate(cert).validToDate };
}

/** Logs when a certificate that is now in use expires; as a warning when that is in less than two weeks. */
export function logValidity(log: Logger, { validTo }: TlsPair, now: Date): void {
  const days = Math.floor((validTo.getTime() - now.getTime()) / 86_400_000);
  if (days < WARN_DAYS)
    log.warn({ validTo, days }, 'The TLS certificate has expired or expires soon. Renew TLS_CERT.');
  else log.info({ validTo, days }, 'TLS certificate loaded');
}

function read(variable: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ConfigError(`${variable}: ${path} cannot be read: ${messageOf(error)}`);
  }
}

function check(problem: string, files: SecureContextOptions): void {
  try {
    createSecureContext(files);
  } catch (error) {
    throw new ConfigError(`${problem}: ${messageOf(error)}`);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
