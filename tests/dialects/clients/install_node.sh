#!/bin/sh
# Installs the vendors' npm clients that the tests run. Without npm those tests skip and say why.
set -u
exec >&2
cd "$(dirname "$0")/node" || exit 1

command -v npm >/dev/null || { echo "no npm here: the tests of npm clients will be skipped"; exit 0; }
[ node_modules/.package-lock.json -nt package.json ] && exit 0

echo "installing the npm clients for the tests"
# Their peer dependencies are compilers; a lock file would name the registry it was made with.
npm install --silent --no-audit --no-fund --no-package-lock --legacy-peer-deps ||
    echo "npm could not install them: the tests of npm clients will be skipped"
