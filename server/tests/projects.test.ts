import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { person, type World, world } from './world.ts';

let app: TestApp;
let w: World;
beforeAll(async () => {
  app = await startTestApp();
  w = await world(app);
});
afterAll(() => app.stop());

describe('projects', () => {
  test('an admin creates one, everybody of the organisation finds it', async () => {
    const created = await w.admin.releases.createProject({
      organisation: w.organisation,
      project: 'billing',
    });
    expect(created.project).toMatchObject({ organisation: w.organisation, project: 'billing', readme: '' });
    const found = await w.reviewer.releases.getProject({ organisation: w.organisation, project: 'billing' });
    expect(found.project).toEqual(created.project);
    const query = { case: 'organisation', value: { organisation: w.organisation } } as const;
    const first = await w.reviewer.releases.getProjects({ query, pageSize: 1 });
    expect(first.projects).toEqual(['billing']);
    const rest = await w.reviewer.releases.getProjects({ query, pageToken: first.nextPageToken });
    expect(rest).toMatchObject({ projects: ['checkout'], nextPageToken: '' });
  });

  test('names are unique in an organisation, not beyond', async () => {
    const again = w.admin.releases.createProject(w.project);
    expect(await refusal(again)).toMatchObject({ code: 'AlreadyExists' });
    const byMember = w.author.releases.createProject({ ...w.project, project: 'mine' });
    expect(await refusal(byMember)).toMatchObject({ code: 'PermissionDenied' });
    const other = await world(app);
    expect(other.project.project).toBe(w.project.project);
  });

  test('an admin changes what is told about it; what is not given stays', async () => {
    const at = { organisation: w.organisation, project: 'told' };
    await w.admin.releases.createProject(at);
    const metadata = { gitUrl: 'https://git.example/told', owner: 'payments' };
    await w.admin.releases.updateProject({ ...at, readme: '# Told', metadata });
    const { project } = await w.admin.releases.updateProject({ ...at, description: 'Tells.' });
    expect(project).toMatchObject({ readme: '# Told', description: 'Tells.', metadata });
    expect(await refusal(w.author.releases.updateProject({ ...at, readme: '' }))).toMatchObject({
      code: 'PermissionDenied',
    });
    const { entries } = await w.author.policies.listHistory({
      organisation: w.organisation,
      project: 'told',
    });
    expect(entries.map((entry) => entry.kind)).toEqual([
      'project.updated',
      'project.updated',
      'project.created',
    ]);
  });

  test('each sees their own organisations, and nothing of others', async () => {
    const nobody = await person(app, 'nobody');
    expect((await nobody.releases.getOrganisations({})).organisations).toEqual([]);
    const { organisations } = await w.author.releases.getOrganisations({});
    expect(organisations.map((one) => one.organisation)).toEqual([w.organisation]);
    const query = { case: 'organisation', value: { organisation: w.organisation } } as const;
    for (const call of [
      () => nobody.releases.getProjects({ query }),
      () => nobody.releases.getProject(w.project),
      () => nobody.releases.createProject({ ...w.project, project: 'mine' }),
      () => nobody.releases.updateProject({ ...w.project, readme: 'mine' }),
      () => w.author.releases.getProject({ ...w.project, project: 'unknown' }),
    ]) {
      expect(await refusal(call())).toMatchObject({ code: 'NotFound' });
    }
  });
});
