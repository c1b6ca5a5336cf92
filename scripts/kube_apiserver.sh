#!/usr/bin/env bash
# Builds Kubernetes' own API server from its Go modules, for tests/component/kubeflow/test_kubernetes.py, which also needs etcd
# (Debian: etcd-server) and kubectl. It takes ten minutes of CPU time, and 5 GB in the caches of Go.
set -euo pipefail

readonly VERSION=1.36.3 FOLDER=/var/tmp/tfx-vae-kubernetes
mkdir -p "$FOLDER"
cd "$FOLDER"
export GOFLAGS=-mod=mod CGO_ENABLED=0

# Kubernetes' modules replace each other by folders of its repository; as a dependency, by their published versions.
module=$(go mod download -json "k8s.io/kubernetes@v$VERSION" | sed -n 's/.*"GoMod": "\(.*\)",/\1/p')
{
  echo "module tfx-vae/kube-apiserver"
  sed -n 's/^go /go /p' "$module"
  echo "require k8s.io/kubernetes v$VERSION"
  sed -n "s#^\t\(k8s.io/[a-z-]*\) => ./staging.*#replace \1 => \1 v0.${VERSION#1.}#p" "$module"
} >go.mod
nice go build -ldflags "-s -w" -o kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
echo "$FOLDER/kube-apiserver is built"
