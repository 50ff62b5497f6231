import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PipelineRunStageStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { olderVersion, type PostgresServer, startPostgres } from './postgres-server.ts';
import { ended, stateOf, type World, world } from './world.ts';

/** The oldest and the newest PostgreSQL that Forage promises to run on, by an ordinary role that owns its database. */
const VERSIONS: readonly (readonly [major: number, native: string | null | undefined])[] = [
  [15, olderVersion(15)],
  [18, undefined],
];

const CHANGES = [
  'update history set subject = subject',
  'delete from history',
  'truncate history',
  'truncate organisations cascade',
  'update history_heads set sequence = 0',
  'delete from history_heads',
  'truncate history_heads',
];
/** What it tells operators to do is what is done here. */
const PAGE = new URL('../../docs/postgresql.md', import.meta.url);

for (const [major, native] of VERSIONS) {
  const missing = native === null;
  if (missing) {
    console.warn(
      `PostgreSQL ${major} is not tried: its package postgres-${major}-linux-x64 is for Linux on x64 alone`,
    );
  }
  describe.skipIf(missing)(`PostgreSQL ${major}`, () => {
    let folder: string;
    let postgres: PostgresServer;
    let app: TestApp;
    let w: World;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), `forage-pg${major}-`));
      postgres = await startPostgres({ folder, native: native ?? undefined });
      app = await startTestApp({ config: { databaseUrl: postgres.url() } });
      w = await world(app);
    });
    afterAll(async () => {
      await app?.stop();
      await postgres?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    test('runs that version with a role without superuser rights', async () => {
      const { rows } = await app.context.db.pool.query(
        `select current_setting('server_version_num')::int / 10000 as major, r.*
           from pg_roles r where rolname = current_user`,
      );
      expect(rows[0]).toMatchObject({
        major,
        rolsuper: false,
        rolcreaterole: false,
        rolcreatedb: false,
        rolreplication: false,
        rolbypassrls: false,
      });
    });

    test('blocks a release, accepts votes and deploys it', async () => {
      await w.approvalPolicy(2);
      const id = await w.release((await w.artifact()).artifactId, ['production']);
      await eventually(
        async () =>
          (await stateOf(w, id)).stages.some((s) => s.status === PipelineRunStageStatus.AWAITING_APPROVAL),
        'the gate to hold it',
      );
      const vote = { project: w.project, releaseIntentId: id, targetEnvironment: 'production' };
      await w.reviewer.policies.rejectRelease(vote);
      await w.reviewer.policies.approveRelease(vote);
      await w.reviewerTwo.policies.approveRelease(vote);
      await ended(w, id);
      const { entries } = await w.admin.policies.listHistory({ organisation: w.organisation });
      expect(entries.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['gate.opened']));
    });

    test('refuses changes of the history by its owner and by superusers', async () => {
      const root = await postgres.superuser();
      const count = async () => (await root.query('select count(*) as n, max(id) as last from history')).rows;
      const before = await count();
      for (const query of CHANGES) {
        await expect(app.context.db.pool.query(query)).rejects.toThrow('the history is append-only');
        await expect(root.query(query)).rejects.toThrow('the history is append-only');
      }
      // Nor as a replica, for which ordinary triggers are silent, by who may say so.
      await root.query('set session_replication_role = replica');
      await expect(root.query('delete from history')).rejects.toThrow('the history is append-only');
      expect(await count()).toEqual(before);
      await root.end();
    });

    test('runs with a role that owns nothing, which cannot disable the triggers', async () => {
      const statements = /```sql\n([\s\S]*?)```/.exec(await readFile(PAGE, 'utf8'))?.[1] ?? '';
      const root = await postgres.superuser();
      await root.query(statements.replace("'…'", "'only-for-tests'"));
      await root.end();
      const lesser = await startTestApp({ config: { databaseUrl: postgres.url({}, 'forage_app') } });
      try {
        const there = await world(lesser);
        await there.approvalPolicy(1);
        const id = await there.release((await there.artifact()).artifactId, ['production']);
        const vote = { project: there.project, releaseIntentId: id, targetEnvironment: 'production' };
        await there.reviewer.policies.approveRelease(vote);
        await ended(there, id);
        const { pool } = lesser.context.db;
        for (const query of [
          ...CHANGES,
          'alter table history disable trigger all',
          'drop table history cascade',
        ]) {
          await expect(pool.query(query)).rejects.toMatchObject({ code: '42501' });
        }
      } finally {
        await lesser.stop();
      }
    });
  });
}
