#!/bin/sh
# Fetches and builds what makes the Go client. Without Go or its modules the test skips and says why.
set -u
exec >&2
cd "$(dirname "$0")/go" || exit 1

command -v go >/dev/null || { echo "no Go here: the generated Go client will be skipped"; exit 0; }
[ .cache/oapi-codegen -nt go.sum ] && exit 0

echo "installing oapi-codegen for the tests"
GOMODCACHE="$PWD/.cache/modules" GOCACHE="$PWD/.cache/build" GOFLAGS=-modcacherw sh -c '
    go mod download &&
    go build -o .cache/oapi-codegen github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen' ||
    echo "Go could not build it: the generated Go client will be skipped"
