#!/usr/bin/env bash
# Succeeds if every model in models.config has a version that answers. TensorFlow Serving's image has bash but not curl.
#
#     serving/health_check.sh [PORT]
set -euo pipefail

readonly PORT="${1:-8501}"

status() {
  exec 3<>"/dev/tcp/127.0.0.1/$PORT"
  printf 'GET /v1/models/%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$1" >&3
  cat <&3
}

names=$(sed -n 's/^ *name: "\(.*\)"/\1/p' "$(dirname "$0")/models.config")
for name in $names; do
  if [[ $(status "$name") != *'"AVAILABLE"'* ]]; then
    echo "$name does not answer on port $PORT" >&2
    exit 1
  fi
done
