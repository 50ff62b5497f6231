/** A setting that stops the start: one line that names the variable. */
export class ConfigError extends Error {}
