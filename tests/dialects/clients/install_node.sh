#!/bin/sh
# Installs the vendors' npm clients that the tests run. Without npm those tests skip and say why.
set -u
exec >&2
cd "$(dirname "$0")/node" || exit 1

command -v npm >/dev/null || { echo "no npm here: the tests of npm clients will be skipped"; exit 0; }
[ node_modules/.package-lock.json -nt package-lock.json ] && exit 0

echo "installing the npm clients for the tests"
# Exactly what package-lock.json names, by its hashes; their peer dependencies are compilers. Made anew by
# npm install --package-lock-only --legacy-peer-deps --omit-lockfile-registry-resolved
npm ci --silent --no-audit --no-fund --legacy-peer-deps ||
    echo "npm could not install them: the tests of npm clients will be skipped"
