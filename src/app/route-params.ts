import { data, type Params, useParams } from 'react-router';
import type { ProjectRef } from '#src/config/paths.ts';

/** To throw in a loader: shows the page for unknown addresses. */
export function notFound() {
  return data(null, { status: 404 });
}

/** The organisation and project of an address, in a loader. */
export function projectIn(params: Params): ProjectRef {
  const { org, project } = params;
  if (!org || !project) throw notFound();
  return { organisation: org, project };
}

/** The organisation of an address, in a loader. */
export function organisationIn(params: Params): string {
  if (!params.org) throw notFound();
  return params.org;
}

/** The organisation and project of an address, in a component. */
export function useProjectParams(): ProjectRef {
  return projectIn(useParams());
}

export function useOrganisationParam(): string {
  return organisationIn(useParams());
}
