#!/bin/sh
# Builds the Go client of the HTTP tests. Without Go its test skips and says why.
set -u
exec >&2
cd "$(dirname "$0")/go" || exit 1

command -v go >/dev/null || { echo "no Go here: the test of its HTTP client will be skipped"; exit 0; }
[ client -nt client.go ] && exit 0

echo "building the Go client for the tests"
GO111MODULE=off GOFLAGS= CGO_ENABLED=0 go build -o client client.go ||
    echo "Go could not build it: the test of its HTTP client will be skipped"
