/** Time between two polls of a visible page, in milliseconds. A file of its own, because the measurements use it without a browser. */
export const VISIBLE_INTERVAL = 2_000;
