#!/usr/bin/env bash
# A lock runner as one writes it in an afternoon: a session, a loop for the lock, renewals in the background, and
# cleaning up. It is what `npm run bench` measures against, and not for use: nothing notices when the lock is lost.
#
#     reference.sh NAME COMMAND [ARGUMENT...]
set -euo pipefail

api=${CONSUL_HTTP_ADDR:-http://127.0.0.1:8500}/v1
name=$1
key=$api/kv/$name
shift

ask() {
  curl --silent --show-error --fail --request "$@"
}

renew() {
  # shellcheck disable=SC2046 # Pids are words without spaces.
  trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM
  while :; do
    sleep 10 &
    wait $!
    ask PUT "$api/session/renew/$session"
  done
}

clean_up() {
  kill "$renewal" || true
  [[ -z $held ]] || ask DELETE "$key"
  ask PUT "$api/session/destroy/$session"
} >/dev/null

[[ $(ask PUT --data "{\"Name\": \"reference.sh $name\", \"TTL\": \"15s\"}" "$api/session/create") =~ \"ID\":\ *\"([^\"]+)\" ]]
session=${BASH_REMATCH[1]} held=''
renew </dev/null &>/dev/null &
renewal=$!
trap clean_up EXIT
trap 'exit 143' TERM

until [[ $(ask PUT --data "$HOSTNAME" "$key?acquire=$session") == true ]]; do
  sleep 2
done
held=yes
"$@"
