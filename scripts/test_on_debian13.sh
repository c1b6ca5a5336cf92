#!/usr/bin/env bash
# Runs the unit tests on Debian 13 with its Python 3.13, in a chroot: scripts/test_on_debian13.sh [FOLDER [ARGUMENT OF PYTEST]...]
#
# Needs root and debootstrap. The chroot is made in FOLDER (/var/tmp/tfx-vae-debian13), takes 6.4 GB there, and stays, so
# that the next call takes only as long as the tests. `rm -r --one-file-system FOLDER` removes it.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
# What README.md asks for, and what Debian's smallest system does not have: certificates, and venv, with which uv is installed.
readonly PACKAGES=ca-certificates,g++,git,make,python3,python3-dev,python3-venv
readonly CLONE=/srv/tfx-vae

folder=$(realpath -m "${1:-/var/tmp/tfx-vae-debian13}")
shift $(($# > 0))

if [[ $folder/ == "$PWD"/* ]]; then
  echo "$folder is inside the clone, which is copied into it: name a folder outside." >&2
  exit 2
fi
if ((EUID)); then
  echo "A chroot needs root: run it with sudo, or in a container." >&2
  exit 2
fi
if ! command -v debootstrap >/dev/null; then
  echo "debootstrap is missing: apt install debootstrap" >&2
  exit 2
fi

if [[ ! -e $folder/.ready ]]; then
  debootstrap --variant=minbase --include="$PACKAGES" trixie "$folder" "$MIRROR"
  touch "$folder/.ready"
fi

# The network as this machine has it, with the certificates and the package index of a company.
cp --dereference /etc/resolv.conf "$folder/etc/"
for file in /etc/hosts /etc/pip.conf /etc/uv/uv.toml /etc/ssl/certs/ca-certificates.crt; do
  if [[ -e $file ]]; then
    install -D -m 644 "$file" "$folder$file"
  fi
done
network=()
for name in {http,https,no}_proxy {HTTP,HTTPS,NO}_PROXY PIP_INDEX_URL UV_DEFAULT_INDEX; do
  if [[ -n ${!name:-} ]]; then
    network+=("$name=${!name}")
  fi
done

# The files of the clone as they are now, without what git ignores; the environment of the last call stays.
mkdir -p "$folder$CLONE"
find "$folder$CLONE" -mindepth 1 -maxdepth 1 ! -name .venv ! -name .tools -exec rm -rf {} +
git ls-files -z --cached --others --exclude-standard --deduplicate \
  | tar --create --null --no-recursion --ignore-failed-read --files-from=- \
  | tar --extract --no-same-owner --directory="$folder$CLONE"

# /proc is mounted in a namespace, so that it is gone when the tests end, however they end.
exec unshare --mount --pid --fork --kill-child --mount-proc="$folder/proc" \
  chroot "$folder" /usr/bin/env --ignore-environment HOME=/root LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "${network[@]}" \
  make --directory="$CLONE" test-unit PYTHON=python3.13 ARGS="$*"
