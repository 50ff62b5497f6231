/** The first page of a project's pipelines; the loader and the list ask the same. */
export function pipelinesInput(organisation: string, project: string) {
  return { project: { organisation, project }, pageToken: '' };
}
