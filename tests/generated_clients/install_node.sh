#!/bin/sh
# Installs the linters and what makes the TypeScript client. Without npm their tests skip and say why.
set -u
exec >&2
cd "$(dirname "$0")/node" || exit 1

command -v npm >/dev/null || { echo "no npm here: linters and TypeScript client will be skipped"; exit 0; }
[ node_modules/.package-lock.json -nt package-lock.json ] && exit 0

echo "installing the linters and openapi-typescript for the tests"
# Exactly what package-lock.json names, by its hashes. Made anew by
# npm install --package-lock-only --legacy-peer-deps --omit-lockfile-registry-resolved
npm ci --silent --no-audit --no-fund --legacy-peer-deps --ignore-scripts ||
    echo "npm could not install them: linters and TypeScript client will be skipped"
