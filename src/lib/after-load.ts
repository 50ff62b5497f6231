/** Resolves when the first page has had time to load, so that what is loaded in advance does not slow it down. */
export const afterLoad = new Promise<void>((resolve) => {
  window.addEventListener('load', () => setTimeout(resolve, 2_000));
});

/**
 * For code that is loaded when it is needed: loads it in advance, so that it is there while the server is away. Returns `load`.
 */
export function preloaded<Module>(load: () => Promise<Module>): () => Promise<Module> {
  // A failure is reported when the code is needed.
  afterLoad.then(load).catch(() => undefined);
  return load;
}
