import type pg from 'pg';
import { startEmbedded } from '#server/db/embedded/index.ts';
import { npmStart, startServer } from '../server-process.ts';
import { makeWorld } from './approvals-world.ts';
import { type Figure, median } from './figure.ts';
import { plainVoter } from './plain-votes.ts';
import { servedVoter } from './served-votes.ts';
import { withFolder } from './temporary.ts';

const connections = 10;
const roundSeconds = 4;
const rounds = 3;

interface Voting {
  vote(comment: string): Promise<void>;
  end(): Promise<void>;
}

let votes = 0;

/** Votes per second, when every connection sends its next vote as soon as the last one was answered. */
async function rate(voters: readonly Voting[]): Promise<number> {
  const began = performance.now();
  const until = began + roundSeconds * 1000;
  let answered = 0;
  await Promise.all(
    voters.map(async (voter) => {
      while (performance.now() < until) {
        // Another comment each time: the same vote again would change nothing.
        await voter.vote(`vote ${votes++}`);
        answered++;
      }
    }),
  );
  return answered / ((performance.now() - began) / 1000);
}

function urlOf({ host, port, user, password, database }: pg.ClientConfig): string {
  const secret = encodeURIComponent(typeof password === 'string' ? password : '');
  const where = new URLSearchParams({ host: host ?? 'localhost', port: String(port ?? 5432) });
  return `postgres://${encodeURIComponent(user ?? '')}:${secret}@localhost/${database}?${where}`;
}

/**
 * `ApproveRelease`, one after another from 10 connections, beside plain `pg` doing the same transaction on the same
 * database; in turns, so that a noisy moment meets both.
 */
export async function approvals(): Promise<Figure> {
  return withFolder(async (folder) => {
    const silent = { info() {}, warn() {}, error() {} };
    const embedded = await startEmbedded({ dataDir: folder, log: silent, onLost() {} });
    const ends: (() => Promise<void>)[] = [() => embedded.stop()];
    try {
      const server = await startServer(
        folder,
        { DATABASE_URL: urlOf(embedded.connection), FORAGE_REGISTRATION: 'open' },
        npmStart,
      );
      ends.push(() => server.stop());
      const world = await makeWorld(server.url, server.setUpToken ?? '', embedded.connection, connections);
      const served = world.voters.map((voter) => servedVoter(server.url, world, voter));
      const plain = await Promise.all(
        world.voters.map((voter) => plainVoter(embedded.connection, world, voter)),
      );
      ends.push(...[...served, ...plain].map((voter) => () => voter.end()));
      const servedRates: number[] = [];
      const plainRates: number[] = [];
      for (let round = 0; round <= rounds; round++) {
        const plainRate = await rate(plain);
        const servedRate = await rate(served);
        // The first round warms both up.
        if (round === 0) continue;
        plainRates.push(plainRate);
        servedRates.push(servedRate);
      }
      const [ours, bare] = [median(servedRates), median(plainRates)];
      return {
        name: `ApproveRelease from ${connections} connections`,
        measured: `${ours.toFixed(0)}/s`,
        limit: `at least a third of plain pg's ${bare.toFixed(0)}/s (it is ${(ours / bare).toFixed(2)})`,
        reached: ours >= bare / 3,
      };
    } finally {
      for (const end of ends.reverse()) await end();
    }
  });
}
