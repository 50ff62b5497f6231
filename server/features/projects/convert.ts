import type { MessageInitShape } from '@bufbuild/protobuf';
import { storedAddress } from '#domain/repository/address.ts';
import type { ProjectMetadata, ProjectSchema } from '#server/gen/forest/v1/releases_pb.ts';
import type { Project } from './service.ts';

export function projectToWire(row: Project, organisation: string): MessageInitShape<typeof ProjectSchema> {
  const { name, readme, description, gitUrl, homepage, docsUrl, supportUrl, domain, owner } = row;
  const metadata = { gitUrl, homepage, docsUrl, supportUrl, domain, owner };
  return { organisation, project: name, readme, description, metadata };
}

export function metadataFromWire(message: ProjectMetadata | undefined) {
  if (message === undefined) return undefined;
  const { homepage, docsUrl, supportUrl, domain, owner } = message;
  return { gitUrl: storedAddress(message.gitUrl), homepage, docsUrl, supportUrl, domain, owner };
}
