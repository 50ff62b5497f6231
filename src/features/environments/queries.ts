/** First pages; the loader and the lists ask the same. */
export function environmentsInput(organisation: string) {
  return { organisation, pageToken: '' };
}

export function destinationsInput(organisation: string) {
  return { organisation, pageToken: '' };
}
