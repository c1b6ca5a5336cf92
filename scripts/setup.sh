#!/usr/bin/env bash
# Installs the packages of uv.lock into .venv, and the extras in the arguments (--extra dev).
set -euo pipefail
cd "$(dirname "$0")/.."

# An environment that does not record its directory may belong to another clone.
if [[ -e .venv && ! -s .venv/.place ]] || scripts/is_moved.sh; then
  rm -rf .venv
fi

python=()
if [[ -n ${PYTHON:-} || ! -x .venv/bin/python ]]; then
  # A separate line: set -e ignores failures within the parentheses of an array.
  interpreter=$(scripts/find_python.sh)
  python=(--python "$interpreter")
fi

echo "Making the environment .venv; the first time takes some minutes, mostly to compile bytecode." >&2
scripts/uv.sh sync --locked --inexact "${python[@]}" "$@"
pwd > .venv/.place
