/** The first page of a project's artifacts; the loader and the list ask the same. */
export function artifactsInput(organisation: string, project: string) {
  return { project: { organisation, project }, pageSize: 30, pageToken: '' };
}

/**
 * The releases whose states the list shows: the newest of the project, ended ones too. Artifacts whose release is
 * older than these show what was deployed of them, which their own record says.
 */
export function intentsInput(organisation: string, project: string) {
  return { organisation, project, includeCompleted: true, pageSize: 200 };
}
