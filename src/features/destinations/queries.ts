/** The input of `GetDestinationStates` for one artifact. */
export function destinationsInput(organisation: string, project: string, artifactId: string) {
  return { organisation, project, artifactId, pageSize: mostShown };
}

/** The first so many destinations are shown; GetReleaseRequirements answers no more either. */
export const mostShown = 500;
