#!/bin/sh
# Installs what makes the Python client. Without the package index its test skips and says why.
set -u
exec >&2
cd "$(dirname "$0")/python" || exit 1

[ .venv/installed -nt requirements.txt ] && exit 0
echo "installing openapi-python-client for the tests"
"${PYTHON:-python3}" -m venv .venv &&
    .venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt &&
    touch .venv/installed ||
    echo "pip could not install it: the test of the generated Python client will be skipped"
