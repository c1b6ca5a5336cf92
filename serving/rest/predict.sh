#!/usr/bin/env bash
# Sends SIGNATURE.json to the served model over REST, and prints the answer.
#
#     serving/rest/predict.sh reconstruct
#     MODEL=mnist-ae SERVER=http://example.org:8501 serving/rest/predict.sh reconstruct
set -euo pipefail

readonly SERVER="${SERVER:-http://localhost:8501}" MODEL="${MODEL:-mnist-vae}"

cd "$(dirname "$0")"
if [[ $# -ne 1 || ! -f $1.json ]]; then
  echo "Usage: $0 SIGNATURE, one of: $(printf '%s\n' *.json | sed 's/\.json$//' | paste -sd ' ')" >&2
  exit 2
fi
curl --silent --show-error --fail-with-body --write-out '\n' --data "@$1.json" "$SERVER/v1/models/$MODEL:predict"
