/**
 * The lines that annotate a build, for a POSIX shell. Outside a git folder the time takes the place of the commit. Names need
 * no escaping: the contract allows letters, digits, dots, dashes and underscores.
 */
export function annotateCommand(server: string, organisation: string, project: string): string {
  return [
    'FORAGE_TOKEN=… # an access token',
    'commit=$(git rev-parse HEAD 2>/dev/null || printf %040x "$(date +%s)")',
    `curl -sS --fail-with-body ${server}/forest.v1.ReleaseService/AnnotateRelease \\`,
    '  -H "authorization: Bearer $FORAGE_TOKEN" -H "content-type: application/json" -d \'{',
    `    "project": {"organisation": "${organisation}", "project": "${project}"},`,
    '    "context": {"title": "First build"},',
    '    "ref": {"commitSha": "\'"$commit"\'", "branch": "main", "version": "0.1.0"}',
    "  }'",
  ].join('\n');
}
