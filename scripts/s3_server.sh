#!/usr/bin/env bash
# Builds an S3 server from its Go module, versitygw, for the tests of buckets (tests/support/servers.py).
# It takes four minutes of CPU time.
set -euo pipefail

readonly VERSION=1.8.0 FOLDER=/var/tmp/tfx-vae-s3
GOBIN=$FOLDER CGO_ENABLED=0 nice go install -ldflags "-s -w" "github.com/versity/versitygw/cmd/versitygw@v$VERSION"
echo "$FOLDER/versitygw is built"
