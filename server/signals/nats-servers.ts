import { readFile } from 'node:fs/promises';
import { type ConnectionOptions, credsAuthenticator } from '@nats-io/transport-node';
import type { Config } from '#server/config.ts';

/** What reaches one server of NATS. */
export interface NatsServer {
  /** `host:port`, fit for a log. */
  readonly address: string;
  readonly options: ConnectionOptions;
  /** What its URL says of who we are: secret. */
  readonly login: ConnectionOptions;
}

type NatsConfig = Pick<Config, 'natsUrl' | 'natsCredentials' | 'natsTls'>;

const DEFAULT_PORT = '4222';

/** The servers of `NATS_URL`, in a random order, so that several Forages spread over them. */
export function natsServers({ natsUrl, natsTls }: NatsConfig): readonly NatsServer[] {
  const { ca, cert, key } = natsTls;
  const files = {
    ...(ca === null ? {} : { caFile: ca }),
    ...(cert === null ? {} : { certFile: cert }),
    ...(key === null ? {} : { keyFile: key }),
  };
  const servers = (natsUrl ?? '').split(',').map((one) => {
    const text = one.trim();
    const url = new URL(text.includes('://') ? text : `nats://${text}`);
    // Without either NATS decides: a server that offers TLS gets it.
    const tls = url.protocol === 'tls:' || Object.keys(files).length > 0 ? { tls: files } : {};
    const address = `${url.hostname}:${url.port || DEFAULT_PORT}`;
    return { address, options: { servers: [address], ...tls }, login: loginOf(url) };
  });
  return servers
    .map((server) => ({ server, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ server }) => server);
}

/** `user:password@` or, as everywhere with NATS, `token@`. */
function loginOf({ username, password }: URL): ConnectionOptions {
  if (username === '') return {};
  const user = decoded(username);
  return password === '' ? { token: user } : { user, pass: decoded(password) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that encodes nothing is meant as it stands.
    return text;
  }
}

/**
 * What the credentials file says, in place of the URL's login; null without one. Read at each connection, because
 * credentials are renewed while a server runs.
 */
export async function credentialsOf({ natsCredentials }: NatsConfig): Promise<ConnectionOptions | null> {
  if (natsCredentials === null) return null;
  return { authenticator: credsAuthenticator(await readFile(natsCredentials)) };
}
