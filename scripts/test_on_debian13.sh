#!/usr/bin/env bash
# Runs the unit tests on Debian 13 with its Python 3.13, in a chroot: scripts/test_on_debian13.sh [FOLDER [ARGUMENT OF PYTEST]...]
#
# Needs root and debootstrap. The chroot is made in FOLDER (/var/tmp/tfx-vae-debian13), takes 6.4 GB there, and stays, so
# that the next call takes only as long as the tests. `rm -r --one-file-system FOLDER` removes it.
set -euo pipefail
cd "$(dirname "$0")/.."

# What README.md asks for, and what Debian's smallest system does not have: certificates, and venv, with which uv is installed.
readonly PACKAGES=ca-certificates,g++,git,make,python3,python3-dev,python3-venv
readonly CLONE=/srv/tfx-vae

folder=$(realpath -m "${1:-/var/tmp/tfx-vae-debian13}")
shift $(($# > 0))

if [[ $folder/ == "$PWD"/* ]]; then
  echo "$folder is inside the clone, which is copied into it: name a folder outside." >&2
  exit 2
fi

# The files of the clone as they are now, without what git ignores; the environment of the last call stays.
scripts/chroot.sh "$folder" trixie "$PACKAGES" mkdir -p "$CLONE"
find "$folder$CLONE" -mindepth 1 -maxdepth 1 ! -name .venv ! -name .tools -exec rm -rf {} +
git ls-files -z --cached --others --exclude-standard --deduplicate \
  | tar --create --null --no-recursion --ignore-failed-read --files-from=- \
  | tar --extract --no-same-owner --directory="$folder$CLONE"

exec scripts/chroot.sh "$folder" trixie "$PACKAGES" make --directory="$CLONE" test-unit PYTHON=python3.13 ARGS="$*"
