/** The input of `GetReleaseIntentStates` for all releases of one artifact, ended ones included. */
export function intentsInput(organisation: string, project: string, artifactId: string) {
  return { organisation, project, artifactId, includeCompleted: true, pageSize: 100 };
}

/** The input of `GetReleaseOptions`; the loader and the form ask the same. */
export function releaseOptionsInput(organisation: string, project: string, artifactId: string) {
  return { project: { organisation, project }, artifactId };
}
