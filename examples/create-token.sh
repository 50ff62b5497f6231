#!/bin/sh
# Creates a token for CI and prints it, once. It belongs to the service account `ci`, which is created if it is missing; it can
# annotate, release and read, and can never approve. Needs curl and jq. Settings, from the environment:
#   FORAGE_URL, FORAGE_ORGANISATION    where
#   FORAGE_ADMIN, FORAGE_PASSWORD      an admin of that organisation
#   FORAGE_TOKEN_NAME (ci)             what the token is for
set -eu

: "${FORAGE_URL:?}" "${FORAGE_ORGANISATION:?}" "${FORAGE_ADMIN:?}" "${FORAGE_PASSWORD:?}"
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
printf 'content-type: application/json\n' >"$work/headers"

# Sends JSON to Service/Method and sets $answer; prints the server's error and ends where it refuses.
call() {
  http=$(printf '%s' "$2" | curl --silent --show-error --header "@$work/headers" --data-binary @- \
    --output "$work/answer" --write-out '%{http_code}' "$FORAGE_URL/forest.v1.$1")
  answer=$(cat "$work/answer")
  [ "$http" = 200 ] && return
  echo "$1 failed: $(printf '%s' "$answer" | jq -r '"\(.message) (\(.code))"' 2>/dev/null || echo "HTTP status $http")" >&2
  exit 1
}
field() { printf '%s' "$answer" | jq -er "$1"; }

# jq reads the password from the environment: arguments appear in the list of processes.
call UsersService/Login "$(jq -n '{username: env.FORAGE_ADMIN, password: env.FORAGE_PASSWORD}')"
printf 'authorization: Bearer %s\n' "$(field .tokens.accessToken)" >>"$work/headers"
logout=$(printf '%s' "$answer" | jq '{refreshToken: .tokens.refreshToken}')

call OrganisationService/GetOrganisation "$(jq -n '{name: env.FORAGE_ORGANISATION}')"
organisation=$(field .organisation.organisationId)
call ServiceAccountService/ListServiceAccounts "$(jq -n --arg id "$organisation" '{organisationId: $id}')"
if ! account=$(field '.serviceAccounts[]? | select(.name == "ci") | .serviceAccountId'); then
  call ServiceAccountService/CreateServiceAccount "$(jq -n --arg id "$organisation" '{organisationId: $id, name: "ci"}')"
  account=$(field .serviceAccount.serviceAccountId)
fi
call ServiceAccountService/CreateServiceAccountToken "$(jq -n --arg id "$organisation" --arg account "$account" '{
  organisationId: $id, serviceAccountId: $account, name: (env.FORAGE_TOKEN_NAME // "ci"),
  scopes: ["read", "release"], expiresInSeconds: 7776000
}')"
token=$(field .rawToken)
call UsersService/Logout "$logout"
printf '%s\n' "$token"
