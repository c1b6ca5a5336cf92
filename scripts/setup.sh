#!/usr/bin/env bash
# Makes .venv what uv.lock says, and adds the extras named in the arguments (--extra dev).
set -euo pipefail
cd "$(dirname "$0")/.."

# An environment that does not say where it was made may be another clone's, too.
if [[ -e .venv && ! -s .venv/.place ]] || scripts/is_moved.sh; then
  rm -rf .venv
fi

python=()
if [[ -n ${PYTHON:-} || ! -x .venv/bin/python ]]; then
  # On a line of its own: within the array's parentheses a failure would go unnoticed.
  interpreter=$(scripts/find_python.sh)
  python=(--python "$interpreter")
fi

echo "Making the environment .venv; the first time takes some minutes, mostly to compile bytecode." >&2
scripts/uv.sh sync --locked --inexact "${python[@]}" "$@"
pwd > .venv/.place
