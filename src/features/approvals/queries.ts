/** Which release is voted on, as the policy service names it. */
export interface ReleaseRef {
  readonly organisation: string;
  readonly project: string;
  readonly releaseIntentId: string;
}

/** The input of `GetReleaseRequirements` for a release; readers and writers of the cached answer share it. */
export function requirementsInput(release: ReleaseRef) {
  return {
    project: { organisation: release.organisation, project: release.project },
    releaseIntentId: release.releaseIntentId,
  };
}
