/** Joins class names and leaves out what is not one, so that a condition can stand in the list. */
export function classNames(...names: readonly (string | false | null | undefined)[]): string {
  return names.filter(Boolean).join(' ');
}
