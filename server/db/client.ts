import pg from 'pg';
import { ReadOnlyServer } from './database-failure.ts';

/** A connection's configuration; `requireChannelBinding` is `channel_binding=require`. */
export interface ClientConfig extends pg.ClientConfig {
  readonly requireChannelBinding?: boolean;
}

/** What pg's client has beside its types. */
interface Internals {
  /** Of the process that serves the connection; a pooler makes one up. */
  readonly processID: number;
  /** Whether SCRAM-SHA-256-PLUS is used when the server offers it. */
  enableChannelBinding: boolean;
  readonly connection: {
    readonly stream: { destroy(error: Error): void };
    on(message: 'authenticationSASL', listener: (message: { mechanisms: string[] }) => void): void;
    on(message: 'parameterStatus', listener: (status: ParameterStatus) => void): void;
    on(message: string, listener: () => void): void;
  };
}
interface ParameterStatus {
  readonly parameterName: string;
  readonly parameterValue: string;
}

export const internalsOf = (client: pg.ClientBase): Internals => client as unknown as Internals;

/** A client that keeps what its configuration requires, also where pg does not. */
export class DatabaseClient extends pg.Client {
  /** Why the connection cannot be used although pg would. */
  #refused: Error | null = null;

  constructor(config: ClientConfig) {
    super(config);
    internalsOf(this).enableChannelBinding = true;
    // Without a listener, a broken connection would end the process.
    this.on('error', () => {});
    if (config.requireChannelBinding)
      requireChannelBinding(internalsOf(this).connection, (error) => {
        this.#refused = error;
      });
  }

  override connect(): Promise<this>;
  override connect(callback: (error: Error) => void): void;
  override connect(callback?: (error: Error) => void): Promise<this> | undefined {
    const connected = super.connect().then(
      () => {
        if (this.#refused !== null) throw this.#refused;
        return this;
      },
      (error: Error) => {
        throw this.#refused ?? error;
      },
    );
    if (callback === undefined) return connected;
    connected.then(() => (callback as () => void)(), callback);
    return undefined;
  }
}

/** Ends the connection before a password is sent in another way, or a server that asks for none is trusted. */
function requireChannelBinding(connection: Internals['connection'], refused: (error: Error) => void): void {
  let isBound = false;
  const refuse = () => {
    const error = new Error(
      'the server does not offer the channel binding that channel_binding=require requires',
    );
    refused(error);
    connection.stream.destroy(error);
  };
  // These listeners come before those of pg, which are added by `connect`.
  connection.on('authenticationSASL', ({ mechanisms }) => {
    isBound = mechanisms.includes('SCRAM-SHA-256-PLUS');
    if (!isBound) refuse();
  });
  for (const other of ['authenticationCleartextPassword', 'authenticationMD5Password'])
    connection.on(other, refuse);
  connection.on('authenticationOk', () => {
    if (!isBound) refuse();
  });
}

/** @throws ReadOnlyServer when the server is a standby, or set to read-only */
export async function requireWritable(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query(
    `select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as "readOnly"`,
  );
  if (rows[0].readOnly) throw new ReadOnlyServer();
}

/** Calls `listener` when PostgreSQL (14 or newer) says that the server of a connection no longer accepts writes. */
export function onReadOnly(client: pg.ClientBase, listener: () => void): void {
  internalsOf(client).connection.on('parameterStatus', ({ parameterName, parameterValue }) => {
    const isAbout = parameterName === 'in_hot_standby' || parameterName === 'default_transaction_read_only';
    if (isAbout && parameterValue === 'on') listener();
  });
}
