import { data, type Params, useParams } from 'react-router';

/** What this address lacks: the page for unknown addresses is shown. */
export function notFound() {
  return data(null, { status: 404 });
}

/** The organisation and project of an address, in a loader. */
export function projectIn(params: Params): { organisation: string; project: string } {
  const { org, project } = params;
  if (!org || !project) throw notFound();
  return { organisation: org, project };
}

/** The organisation of an address, in a loader. */
export function organisationIn(params: Params): string {
  if (!params.org) throw notFound();
  return params.org;
}

/** The same in a component. */
export function useProjectParams(): { organisation: string; project: string } {
  return projectIn(useParams());
}

export function useOrganisationParam(): string {
  return organisationIn(useParams());
}
