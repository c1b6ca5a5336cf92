#!/usr/bin/env bash
# Prints the path of the Python for the environment: $PYTHON if it is set, otherwise the first suitable one on PATH.
set -euo pipefail

# Prints the path of the interpreter that runs it, or fails and says why it is not suitable.
readonly QUESTION='
import platform, sys
version = sys.version_info[:2]
libc = platform.libc_ver()
if not (3, 11) <= version < (3, 14):
    sys.exit("is Python %d.%d" % version)
if version >= (3, 12) and libc[0] == "glibc" and tuple(map(int, libc[1].split(".")[:2])) < (2, 38):
    sys.exit("is Python %d.%d, whose ml-metadata wheel needs glibc 2.38, and this system has %s" % (version + libc[1:]))
print(sys.executable)
'
readonly NEED="Python 3.11 is needed (with glibc 2.38 or newer also 3.12 or 3.13)"
readonly REMEDY="Install it (Debian, Ubuntu: apt install python3.11) or name one: make setup PYTHON=/path/to/python3.11"

candidates=(python3.11 python3 python3.13 python3.12)
if [[ -n ${PYTHON:-} ]]; then
  candidates=("$PYTHON")
fi

refused=""
for candidate in "${candidates[@]}"; do
  if ! command -v "$candidate" >/dev/null; then
    refused+="; $candidate was not found"
  # -I: neither the current folder nor PYTHONPATH may change the answer.
  elif answer=$("$candidate" -I -c "$QUESTION" 2>&1); then
    echo "$answer"
    exit 0
  elif [[ $answer == "is Python"* ]]; then
    refused+="; $candidate $answer"
  else
    refused+="; $candidate does not start"
  fi
done

echo "$NEED, but ${refused:2}. $REMEDY" >&2
exit 1
