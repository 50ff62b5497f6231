/** A backup or a restore that cannot be done. The message is one line for a person: what happened, to what, what to do. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
}
