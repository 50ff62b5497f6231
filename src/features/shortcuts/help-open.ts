import { sharedValue } from '#src/lib/shared-value.ts';

const open = sharedValue(false);

/** Opens or closes the keyboard help, from anywhere on the page. */
export const showKeys = (shown = true): void => open.set(shown);

export const useKeysOpen = open.useValue;
