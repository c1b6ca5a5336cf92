#!/usr/bin/env bash
# Succeeds if .venv was made for a clone in another place: its commands and its editable install name that place.
cd "$(dirname "$0")/.." || exit 1
[[ -s .venv/.place ]] && ! [[ $(cat .venv/.place)/.venv -ef .venv ]]
