#!/usr/bin/env bash
# Runs uv with the given arguments: the uv on PATH if its version fits, otherwise one that pip installs into .tools.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly REQUIREMENT="uv>=0.9,<0.14"
readonly OWN=.tools/uv

fits() {
  [[ "$("$1" --version 2>/dev/null)" =~ ^uv\ 0\.(9|1[0-3])\. ]]
}

# --target works without root, without the venv module, and on an externally managed Python.
bring_by_pip() {
  PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 "$1" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    --no-cache-dir --target "$2" "$REQUIREMENT"
}

bring() {
  local python fresh=.tools/uv.new pip=.tools/pip
  python=$(scripts/find_python.sh)
  rm -rf "$fresh" "$OWN"
  echo "Installing $REQUIREMENT into $OWN" >&2
  if ! "$python" -m pip --version >/dev/null 2>&1; then
    if ! "$python" -m venv "$pip" >/dev/null 2>&1; then
      echo "$python has neither pip nor venv, one of which is needed to install uv: install python3-pip (Debian, Ubuntu: apt install python3-pip)" \
        "or uv itself (https://docs.astral.sh/uv/), and try again" >&2
      exit 1
    fi
    python=$pip/bin/python
  fi
  bring_by_pip "$python" "$fresh"
  # Renamed at the end, so that an interrupted download is not used.
  mv "$fresh" "$OWN"
  rm -rf "$pip"
}

# Uses the user's cache if it is writable, so that a second clone downloads nothing.
choose_cache() {
  local cache=${UV_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-$PWD/.tools}/.cache}/uv}
  if ! mkdir -p "$cache" 2>/dev/null || [[ ! -w $cache ]]; then
    cache=$PWD/.tools/cache
    mkdir -p "$cache"
  fi
  export UV_CACHE_DIR=$cache
  # uv cannot link between file systems, and prints a warning without this setting.
  if [[ $(stat -c %d "$cache") != "$(stat -c %d .)" ]]; then
    export UV_LINK_MODE=copy
  fi
}

if fits uv; then
  uv=uv
else
  uv=$OWN/bin/uv
  fits "$uv" || bring
fi

choose_cache
unset VIRTUAL_ENV
export UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=.venv
# Use the machine's certificates, as pip and curl do: uv's built-in ones do not work behind a company's proxy. UV_NATIVE_TLS is
# the name before uv 0.11.
export UV_NATIVE_TLS=${UV_NATIVE_TLS:-true} UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true}
exec "$uv" "$@"
