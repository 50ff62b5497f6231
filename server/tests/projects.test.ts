import { afterAll, expect, test } from 'vitest';
import { startTestApp } from './harness.ts';
import { expectRefusal } from './refusal.ts';
import { person, world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
const w = await world(app);

test('projects are created by an admin and found by every member', async () => {
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

test('projects have a unique name in the organisation, and only there', async () => {
  const again = w.admin.releases.createProject(w.project);
  await expectRefusal('AlreadyExists', again);
  const byMember = w.author.releases.createProject({ ...w.project, project: 'mine' });
  await expectRefusal('PermissionDenied', byMember);
  const other = await world(app);
  expect(other.project.project).toBe(w.project.project);
});

test('projects are changed by an admin; absent fields keep their values', async () => {
  const at = { organisation: w.organisation, project: 'described' };
  await w.admin.releases.createProject(at);
  const metadata = { gitUrl: 'https://git.example/described', owner: 'payments' };
  await w.admin.releases.updateProject({ ...at, readme: '# Described', metadata });
  const { project } = await w.admin.releases.updateProject({ ...at, description: 'Short.' });
  expect(project).toMatchObject({ readme: '# Described', description: 'Short.', metadata });
  await expectRefusal('PermissionDenied', w.author.releases.updateProject({ ...at, readme: '' }));
  const { entries } = await w.author.policies.listHistory({
    organisation: w.organisation,
    project: 'described',
  });
  expect(entries.map((entry) => entry.kind)).toEqual([
    'project.updated',
    'project.updated',
    'project.created',
  ]);
});

test('projects and organisations are hidden from other users', async () => {
  const nobody = await person(app, 'nobody');
  expect((await nobody.releases.getOrganisations({})).organisations).toEqual([]);
  const { organisations } = await w.author.releases.getOrganisations({});
  expect(organisations.map((one) => one.organisation)).toEqual([w.organisation]);
  await expectRefusal('NotFound', nobody.releases.getProject(w.project));
});
