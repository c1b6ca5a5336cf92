#!/usr/bin/env bash
# Runs a command in a chroot of Debian with this machine's network: scripts/chroot.sh FOLDER SUITE PACKAGES COMMAND [ARGUMENT]...
#
# Needs root and debootstrap. Makes the chroot in FOLDER if it is not there; PACKAGES are separated by commas.
set -euo pipefail

readonly MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
readonly folder=$1 suite=$2 packages=$3
shift 3

if ((EUID)); then
  echo "A chroot needs root: run it with sudo, or in a container." >&2
  exit 2
fi
if ! command -v debootstrap >/dev/null; then
  echo "debootstrap is missing: apt install debootstrap" >&2
  exit 2
fi

if [[ ! -e $folder/.ready ]]; then
  debootstrap --variant=minbase --include="$packages" "$suite" "$folder" "$MIRROR"
  touch "$folder/.ready"
fi

# The network as this machine has it, with the certificates and the package index of a company.
cp --dereference /etc/resolv.conf "$folder/etc/"
for file in /etc/hosts /etc/pip.conf /etc/uv/uv.toml /etc/ssl/certs/ca-certificates.crt; do
  if [[ -e $file ]]; then
    install -D -m 644 "$file" "$folder$file"
  fi
done
network=(UV_NATIVE_TLS=true UV_SYSTEM_CERTS=true) # two names of one setting, as in uv.sh
for name in {http,https,no}_proxy {HTTP,HTTPS,NO}_PROXY PIP_INDEX_URL UV_DEFAULT_INDEX; do
  if [[ -n ${!name:-} ]]; then
    network+=("$name=${!name}")
  fi
done

# /proc, and shared memory that every account can write, are mounted in a namespace: they are gone when the command ends.
exec unshare --mount --pid --fork --kill-child --mount-proc="$folder/proc" \
  sh -c 'mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm" && exec chroot "$@"' sh "$folder" /usr/bin/env --ignore-environment HOME=/root LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "${network[@]}" "$@"
