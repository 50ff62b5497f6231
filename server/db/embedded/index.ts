export { EmbeddedStartError, FolderInUseError } from './errors.ts';
export type { Log } from './log.ts';
export { type EmbeddedOptions, type EmbeddedPostgres, startEmbedded } from './start-embedded.ts';
