import { createServer } from 'node:http';

/** A webhook receiver that accepts every release (202) and reports only when the test says so. */
export interface Receiver {
  readonly url: string;
  /** The received bodies, in order. */
  readonly events: readonly Readonly<Record<string, unknown>>[];
  /** Reports on the last release, as its receiver does: `RUNNING`, `SUCCEEDED` or `FAILED`, and what else the report has. */
  report(status: string, more?: object): Promise<void>;
  close(): Promise<void>;
}

/** Starts a receiver on a free port of loopback. */
export async function startReceiver(): Promise<Receiver> {
  const events: Record<string, unknown>[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    events.push(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    response.writeHead(202).end();
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The receiver has no port');
  return {
    url: `http://127.0.0.1:${address.port}/deploy`,
    events,
    async report(status, more = {}) {
      const { release_id, report_url, report_token } = events.at(-1) ?? {};
      const answer = await fetch(String(report_url), {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${report_token}` },
        body: JSON.stringify({ release_id, status: `RELEASE_STATUS_${status}`, ...more }),
      });
      if (!answer.ok) throw new Error(`The report was refused: ${await answer.text()}`);
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}
