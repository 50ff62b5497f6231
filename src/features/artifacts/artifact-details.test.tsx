// @vitest-environment jsdom
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import { ArtifactService, type GetArtifactFilesResponseSchema } from '#src/gen/forest/v1/artifacts_pb.ts';
import { ArtifactSchema } from '#src/gen/forest/v1/releases_pb.ts';
import { renderWithin } from '#src/testing/render-within.tsx';
import ArtifactDetails from './artifact-details.tsx';

type Files = MessageInitShape<typeof GetArtifactFilesResponseSchema>;

function open(files: () => Files, more: MessageInitShape<typeof ArtifactSchema> = {}) {
  const artifact = create(ArtifactSchema, { artifactId: 'artifact', slug: 'calm-otter', ...more });
  return renderWithin(<ArtifactDetails artifact={artifact} />, ({ service }) => {
    service(ArtifactService, { getArtifactFiles: files });
  });
}

it('shows the full title, the message and the description', () => {
  open(() => ({}), {
    context: { title: 'Fix the tax\n\nIt was wrong.', description: 'One line changed.' },
    ref: { commitSha: 'abc', commitMessage: 'Fix the tax (#8)' },
  });
  for (const text of ['calm-otter', /It was wrong\./, 'One line changed.', 'Fix the tax (#8)']) {
    expect(screen.getByText(text)).not.toBeNull();
  }
});

it('loads the files when they are opened, and shows one', async () => {
  let asked = 0;
  const { user } = open(() => {
    asked += 1;
    return { files: [{ fileName: 'deploy/app.yaml', env: 'production', content: 'replicas: <b>3</b>' }] };
  });
  expect(asked).toBe(0);
  await user.click(screen.getByText('Files'));
  await user.click(await screen.findByText('deploy/app.yaml (production)'));
  expect(screen.getByRole('region', { name: 'deploy/app.yaml' }).textContent).toBe('replicas: <b>3</b>');
  expect(asked).toBe(1);
});

it.each([
  ['This build has no files.', () => ({})],
  [
    "Couldn't load the files",
    () => {
      throw new ConnectError('no', Code.NotFound);
    },
  ],
])('says “%s”', async (words, files) => {
  const { user } = open(files);
  await user.click(screen.getByText('Files'));
  expect(await screen.findByText(words)).not.toBeNull();
});

it('says that the files of an old build were removed', () => {
  open(() => ({}), { filesRemovedAt: '2026-11-01T00:00:00Z' });
  expect(screen.getByText(/The files were removed because the build is old/)).not.toBeNull();
  expect(screen.queryByText('Files')).toBeNull();
});
