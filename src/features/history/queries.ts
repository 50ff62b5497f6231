/** The first page of an organisation's history; the loader and the list ask the same. */
export function historyInput(organisation: string) {
  return { organisation, pageToken: '' };
}
