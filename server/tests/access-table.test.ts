import { readFile, writeFile } from 'node:fs/promises';
import type { JsonObject } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessRuleOf } from '#server/rpc/access-table.ts';
import {
  CALLERS,
  type CallerName,
  type CallersAtWork,
  callersAtWork,
  type Ground,
} from './access-callers.ts';
import { accessPage, type Cell, cellText, rowsOfPage } from './access-page.ts';
import { failedRelease, occupy, plannedRelease } from './aim.ts';
import { type Aim, callJson, everyMethod, nameOf, requestsFor } from './every-method.ts';
import { startTestApp, type TestApp } from './harness.ts';

const PAGE = new URL('../../docs/access-table.md', import.meta.url);
const writing = process.env['ACCESS_TABLE'] === 'write';

let app: TestApp;
let at: CallersAtWork;
let expected: ReadonlyMap<string, readonly string[]>;
const found = new Map<string, readonly string[]>();
beforeAll(async () => {
  app = await startTestApp({ config: { rateLimitPerMinute: 0 } });
  at = await callersAtWork(app);
  expected = rowsOfPage(await readFile(PAGE, 'utf8').catch(() => ''));
});
afterAll(async () => {
  if (writing) await writeFile(PAGE, accessPage(found));
  await app.stop();
});

const NEVER_IN: readonly CallerName[] = ['anonymous', 'expired session', 'idle session', 'revoked token'];
const OUTSIDE: readonly CallerName[] = ['removed member', 'other’s member', 'other’s admin'];

/** Methods that work once per release: each allowed caller gets a release of their own. */
const ONCE: Readonly<Record<string, (ground: Ground) => Promise<Partial<Aim>>>> = {
  'ReleaseService.CancelRelease': async ({ w }) => ({
    otherIntentId: await w.releaseNew(['production']),
  }),
  'ReleaseService.ApprovePlanStage': freshPlan,
  'ReleaseService.RejectPlanStage': freshPlan,
  'ReleaseService.RetryStage': async ({ w }) => ({ otherIntentId: await failedRelease(w) }),
  'ReleaseService.FreeDestination': async ({ aim }) => {
    await occupy(app, aim);
    return {};
  },
};

/** Methods whose effects are undone, because the same users call the following methods. */
const UNDONE: Readonly<Record<string, (ground: Ground) => Promise<void>>> = {
  'OrganisationService.LeaveOrganisation': async ({ w: { organisationId, admin, author, reviewer } }) => {
    const { members } = await admin.organisations.listMembers({ organisationId });
    for (const { userId } of [author, reviewer]) {
      if (members.some((one) => one.userId === userId)) continue;
      await admin.organisations.addMember({ organisationId, userId, role: 'member' });
    }
  },
};

let made = 0;
async function freshPlan({ w }: Ground): Promise<Partial<Aim>> {
  return { planIntentId: await plannedRelease(w, `planned-${++made}`) };
}

async function requestOf(name: string, ground: Ground, n: string, mayPass: boolean): Promise<JsonObject> {
  const fresh = mayPass ? await ONCE[name]?.(ground) : undefined;
  return requestsFor({ ...ground.aim, ...fresh }, n)[name] ?? {};
}

async function cellOf(method: (typeof everyMethod)[number], caller: CallerName): Promise<Cell> {
  const name = nameOf(method);
  const call = async (ground: Ground, whose: string, mayPass: boolean) => {
    // Otherwise failed sign-ins would be slowed down.
    if (accessRuleOf(method).need === 'public')
      await app.context.db.pool.query('delete from sign_in_attempts');
    const n = `${made++}-${whose}`;
    const request = await requestOf(name, ground, n, mayPass);
    const { code } = await callJson(app, method, request, await at.headersOf(caller));
    if (mayPass) await UNDONE[name]?.(ground);
    return code;
  };
  const outside = OUTSIDE.includes(caller);
  const inside = !outside && !NEVER_IN.includes(caller);
  return {
    own: await call(at.ours, 'own', inside),
    other: await call(at.theirs, 'other', outside),
  };
}

describe('access', () => {
  test('docs/access-table.md has exactly one row per method', () => {
    if (writing) return;
    expect([...expected.keys()]).toEqual(everyMethod.map(nameOf));
    expect(Object.keys(requestsFor(at.ours.aim, 0)).sort()).toEqual(everyMethod.map(nameOf).sort());
  });

  test.each(everyMethod.map((method) => [nameOf(method), method] as const))('%s', async (name, method) => {
    const cells = new Map<CallerName, Cell>();
    // Refused callers first: they change nothing for the others.
    const first = CALLERS.filter((caller) => NEVER_IN.includes(caller));
    for (const [n, cell] of (await Promise.all(first.map((one) => cellOf(method, one)))).entries()) {
      cells.set(first[n] ?? 'anonymous', cell);
    }
    for (const caller of CALLERS) if (!cells.has(caller)) cells.set(caller, await cellOf(method, caller));
    found.set(
      name,
      CALLERS.map((caller) => cellText(cells.get(caller) ?? { own: '', other: '' })),
    );
    if (!writing) expect(found.get(name)).toEqual(expected.get(name));

    // Rules that hold for every row.
    const rule = accessRuleOf(method);
    if (rule.need === 'public' || method.methodKind === 'bidi_streaming') return;
    const code = (caller: CallerName, ids: keyof Cell) => [caller, ids, cells.get(caller)?.[ids]];
    for (const caller of NEVER_IN) {
      expect(code(caller, 'own')).toEqual([caller, 'own', 'unauthenticated']);
      expect(code(caller, 'other')).toEqual([caller, 'other', 'unauthenticated']);
    }
    if (rule.token !== 'read' || rule.callers === 'logins') {
      expect(code('read-only token', 'own')).toEqual(['read-only token', 'own', 'permission_denied']);
    }
    if (rule.callers !== 'everybody') {
      expect(code('service account', 'own')).toEqual(['service account', 'own', 'permission_denied']);
    }
    if (rule.need === 'authenticated' || rule.need === 'member-somewhere') return;
    for (const caller of OUTSIDE) expect(code(caller, 'own')).toEqual([caller, 'own', 'not_found']);
    for (const caller of ['member', 'author', 'admin'] as const) {
      expect(code(caller, 'other')).toEqual([caller, 'other', 'not_found']);
    }
    if (rule.need === 'member') return;
    for (const caller of ['member', 'author'] as const) {
      expect(code(caller, 'own')).toEqual([caller, 'own', 'permission_denied']);
    }
  });
});
