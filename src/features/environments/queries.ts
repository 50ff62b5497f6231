import { allOfThem } from '#src/lib/page-sizes.ts';

/** First pages; the loader and the lists ask the same. Large ones, because an order is changed as a whole. */
export function environmentsInput(organisation: string) {
  return { organisation, pageSize: allOfThem, pageToken: '' };
}

export function destinationsInput(organisation: string) {
  return { organisation, pageSize: allOfThem, pageToken: '' };
}
