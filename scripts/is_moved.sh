#!/usr/bin/env bash
# Succeeds if .venv was made in another directory: its commands and its editable install contain the path of that directory.
cd "$(dirname "$0")/.." || exit 1
[[ -s .venv/.place ]] && ! [[ $(cat .venv/.place)/.venv -ef .venv ]]
