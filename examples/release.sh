#!/bin/sh
# Registers the build of the current commit with Forage, requests its release and waits for the outcome.
# Needs curl, jq and git. Settings, from the environment:
#   FORAGE_URL, FORAGE_TOKEN                  the server, and a service account's token (create-token.sh)
#   FORAGE_ORGANISATION, FORAGE_PROJECT       where to release
#   FORAGE_ENVIRONMENTS="staging production"  release straight to these environments; without it, through a pipeline:
#   FORAGE_PIPELINE                           the pipeline's name; without it, the project's only enabled one
#   FORAGE_BRANCH                             needed where the checkout is not on a branch, as on most CI services
#   FORAGE_RUN_URL                            the address of this CI run, shown beside the build
#   FORAGE_BASE_ENVIRONMENT                   the build's commits are those since what runs there; without it, the last of
#                                             FORAGE_ENVIRONMENTS, else production
#   FORAGE_TIMEOUT_SECONDS (3600), FORAGE_POLL_SECONDS (5)
# Exit codes: 0 released, 1 refused or unreachable, 2 wrong usage, 3 failed, 4 cancelled, 5 timed out while still waiting.
set -eu

: "${FORAGE_URL:?}" "${FORAGE_TOKEN:?}" "${FORAGE_ORGANISATION:?}" "${FORAGE_PROJECT:?}"
timeout=${FORAGE_TIMEOUT_SECONDS:-3600}
poll=${FORAGE_POLL_SECONDS:-5}
branch=${FORAGE_BRANCH:-$(git rev-parse --abbrev-ref HEAD)}
if [ "$branch" = HEAD ]; then
  echo 'This checkout is not on a branch. Set FORAGE_BRANCH.' >&2
  exit 2
fi

umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# In a file, so that the token does not appear in the list of processes.
printf 'authorization: Bearer %s\ncontent-type: application/json\n' "$FORAGE_TOKEN" >"$work/headers"

# Sends JSON to Service/Method. Sets $answer to the response and $code to `ok`, to Connect's error code, or to `no_answer`.
call() {
  if http=$(printf '%s' "$2" | curl --silent --show-error --max-time 60 --header "@$work/headers" --data-binary @- \
    --output "$work/answer" --write-out '%{http_code}' "$FORAGE_URL/forest.v1.$1"); then
    answer=$(cat "$work/answer")
  else
    http=000 answer=
  fi
  case $http in
    200) code=ok ;;
    000 | 502 | 504) code=no_answer ;;
    *) code=$(printf '%s' "$answer" | jq -r '.code // "unknown"' 2>/dev/null) || code=unknown ;;
  esac
}
# Prints the server's error and ends the job.
refused() {
  echo "$1 failed: $(printf '%s' "$answer" | jq -r '"\(.message) (\(.code))"' 2>/dev/null || echo "HTTP status $http")" >&2
  exit 1
}
# Whether the request may have arrived although its answer did not, or may succeed later.
transient() { [ "$code" = no_answer ] || [ "$code" = unavailable ] || [ "$code" = resource_exhausted ]; }
field() { printf '%s' "$answer" | jq -er "$1"; }

project=$(jq -n --arg o "$FORAGE_ORGANISATION" --arg p "$FORAGE_PROJECT" '{organisation: $o, project: $p}')

# The commits since the oldest live build, for reviewers: at most 500. The base is only sent if they are all.
environment=${FORAGE_BASE_ENVIRONMENT:-${FORAGE_ENVIRONMENTS:-production}}
call ReleaseService/GetReleaseComparison \
  "$(jq -n --argjson project "$project" --arg environment "${environment##* }" '{$project, $environment}')"
base= count=0
if [ "$code" = ok ]; then
  # A shallow clone does not have them.
  for live in $(field '[.destinations[]?.live.commitSha // empty | select(test("^[0-9a-fA-F]{7,64}$"))] | unique[]'); do
    if git merge-base --is-ancestor "$live" HEAD 2>/dev/null && [ "$(git rev-list --count "$live..HEAD")" -ge "$count" ]; then
      base=$live count=$(git rev-list --count "$live..HEAD")
    fi
  done
fi
git log --max-count=500 "${base:-HEAD}..HEAD" \
  --format='%H%x1f%an%x1f%ae%x1f%cI%x1f%(trailers:key=Co-authored-by,valueonly,separator=%x1e)%x1f%s' |
  jq -Rn '[inputs | split("\u001f") | {
    sha: .[0], authorName: .[1][0:256], authorEmail: .[2][0:254], committedAt: .[3],
    coAuthors: (.[4] | split("\u001e") | map(select(. != "")[0:500])[0:50]),
    title: (.[5:] | join(" ")[0:500] | if test("\\S") then . else "(no message)" end)
  }]' >"$work/commits"
if [ "$count" -gt 500 ]; then base=; fi
# Forms that Forage accepts, without credentials.
repository=$(git config --get remote.origin.url | grep -E '^(https?|ssh)://|^[^:/]+@[^:/]+:' | sed 's|://[^/@]*@|://|')

# An annotation may be repeated: a build without a release changes nothing.
build=$(jq -n --argjson project "$project" --arg branch "$branch" --arg run "${FORAGE_RUN_URL:-}" --arg base "$base" \
  --arg commit "$(git rev-parse HEAD)" --arg title "$(git log -1 --format=%s)" --arg email "$(git log -1 --format=%ae)" \
  --arg repository "$repository" --slurpfile commits "$work/commits" '{
    $project,
    context: {title: $title[0:200]},
    source: {email: $email, sourceType: "ci", runUrl: $run},
    ref: ({commitSha: $commit, branch: $branch} + if $repository != "" then {repoUrl: $repository} else {} end),
    commits: $commits[0]
  } + if $base != "" then {baseCommitSha: $base} else {} end')
for pause in 1 5 15 0; do
  call ReleaseService/AnnotateRelease "$build"
  if [ "$code" = ok ] || ! transient; then break; fi
  sleep "$pause"
done
[ "$code" = ok ] || refused AnnotateRelease
artifact=$(field .artifact.artifactId)
slug=$(field .artifact.slug)

request=$(jq -n --arg artifact "$artifact" --arg environments "${FORAGE_ENVIRONMENTS:-}" --arg pipeline "${FORAGE_PIPELINE:-}" '
  {artifactId: $artifact} +
  if $environments != "" then {environments: ($environments | split(" ") | map(select(. != "")))}
  else {usePipeline: true} + if $pipeline != "" then {$pipeline} else {} end end')
mine=$(printf '%s' "$project" | jq --arg artifact "$artifact" '. + {artifactId: $artifact, includeCompleted: true}')
intent=
for pause in 1 5 15 30 0; do
  call ReleaseService/Release "$request"
  if [ "$code" = ok ]; then intent=$(field '.intents[0].releaseIntentId') && break; fi
  # A request whose answer was lost has made a release: continue with that one.
  if [ "$code" = already_exists ] || transient; then
    failure=$answer http_failure=$http
    call ReleaseService/GetReleaseIntentStates "$mine"
    if [ "$code" = ok ] && intent=$(field '.releaseIntents[0].releaseIntentId'); then break; fi
    answer=$failure http=$http_failure
  else
    refused Release
  fi
  sleep "$pause"
done
[ -n "$intent" ] || refused Release
echo "Requested release $intent: $FORAGE_URL/orgs/$FORAGE_ORGANISATION/projects/$FORAGE_PROJECT/releases/$slug"

deadline=$(($(date +%s) + timeout))
follow=$(jq -n --argjson project "$project" --arg intent "$intent" '{$project, releaseIntentId: $intent}')
shown=
while :; do
  call PolicyService/GetReleaseRequirements "$follow"
  if [ "$code" = ok ]; then
    # What it waits for, and rejections: printed when they change. @json keeps control characters out of the log.
    waiting=$(field '[
      (.intent.stages[] | select(.reason) | "Waiting, \(.stageId): \(.reason | @json)"),
      (.environments[] | .environment as $to | .evaluations[]?.approvalState.decisions[]? | select(.decision == "rejected")
        | "Rejected for \($to) by \(.username | @json): \(.comment // "" | @json). Waiting for another vote or a cancellation.")
    ] | unique | join("\n")')
    case $(field .intentStatus) in
      RELEASE_INTENT_STATUS_SUCCEEDED)
        echo 'Released.'
        exit 0
        ;;
      RELEASE_INTENT_STATUS_FAILED)
        echo "Failed: $(field '[.intent.errorMessage, .intent.steps[]?.errorMessage] | map(values) | unique | join("; ") | @json')" >&2
        exit 3
        ;;
      RELEASE_INTENT_STATUS_CANCELLED)
        if [ "$waiting" != "$shown" ]; then printf '%s\n' "$waiting" >&2; fi
        echo "Cancelled: $(field '.intent.errorMessage // "" | @json')" >&2
        exit 4
        ;;
    esac
    if [ "$waiting" != "$shown" ]; then printf '%s\n' "$waiting"; fi
    shown=$waiting
  elif ! transient; then
    refused GetReleaseRequirements
  fi
  if [ "$(date +%s)" -ge "$deadline" ]; then
    echo "Still waiting after $timeout seconds. The release remains open in Forage." >&2
    exit 5
  fi
  sleep "$poll"
done
