#!/bin/sh
# Makes .venv where there is none that works, and installs a list of packages into it.
# Usage: PYTHON=python3 deploy/install.sh requirements.txt
set -eu
exec >&2

python=${PYTHON:-python3}
list=$1

stop() {
    echo "smsgate: $1"
    exit 1
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11, 2))' 2>/dev/null
}

if ! { new_enough .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
    command -v "$python" >/dev/null ||
        stop "\`$python\` was not found: install Python 3.11.2 or newer, or name one: make PYTHON=/path/to/python3"
    new_enough "$python" ||
        stop "\`$python\` is $("$python" --version 2>&1), but 3.11.2 or newer is needed: name another with make PYTHON=/path/to/python3"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        stop "\`$python\` cannot make a virtual environment: install its venv module (Debian, Ubuntu: apt-get install python3-venv)"
    rm -rf .venv
    "$python" -m venv .venv
fi

echo "smsgate: installing $list into .venv"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$list" ||
    stop "the packages of $list could not be installed: what pip says is above"
