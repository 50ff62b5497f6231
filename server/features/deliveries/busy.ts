/** SQL: whether a release uses its destination; in the form of the unique index's condition. */
export const isBusy = (alias: string): string =>
  `(${alias}.status in ('ASSIGNED', 'RUNNING') or ${alias}.occupied_until is not null)`;
