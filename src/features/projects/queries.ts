/** The first page of an organisation's projects; the loader and the list ask the same. */
export function projectsInput(organisation: string) {
  return { query: { case: 'organisation' as const, value: { organisation } }, pageToken: '' };
}
