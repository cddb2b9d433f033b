#!/bin/sh
# Installs n8n, and what builds its node. Without npm the tests skip and say why.
set -u
exec >&2
cd "$(dirname "$0")" || exit 1

command -v npm >/dev/null || { echo "no npm here: n8n will be skipped"; exit 0; }
# Exactly what package-lock.json names, by its hashes. Made anew by
# npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved
for folder in . ../../n8n-node; do
    [ $folder/node_modules/.package-lock.json -nt $folder/package-lock.json ] && continue
    echo "installing what $folder/package-lock.json names: 3.5 GB in all, for some minutes"
    # Four minutes are usual. Run it again where that was not enough: npm keeps what it has fetched.
    (cd $folder && timeout 900 npm ci --silent --no-audit --no-fund --ignore-scripts) ||
        echo "npm could not install them in fifteen minutes: n8n will be skipped"
done
