import { sharedValue } from '#src/lib/shared-value.ts';
import type { CommandGroup } from './commands.ts';

/** The group that the open menu lists; null while it is closed. */
const listed = sharedValue<CommandGroup | 'All' | null>(null);

/** Opens the menu, from anywhere on the page, with everything or with one group. */
export const openMenu = (group: CommandGroup | 'All' = 'All'): void => listed.set(group);
export const closeMenu = (): void => listed.set(null);
export const useListedGroup = listed.useValue;
