/** The id of what the tabs of a build's releases switch. */
export const releasePanelId = 'release';

/** The id of a release's tab. */
export const releaseTabId = (releaseIntentId: string) => `tab-${releaseIntentId}`;
