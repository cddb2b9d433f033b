#!/bin/sh
# The pooler that tests run behind. As root on Debian or Ubuntu a missing one is installed.
set -eu
exec >&2

command -v pgbouncer >/dev/null && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "no pgbouncer here (Debian: apt-get install pgbouncer)"
    exit 1
fi
echo "installing pgbouncer with apt-get"
export DEBIAN_FRONTEND=noninteractive
install="apt-get install -qq --yes --no-install-recommends pgbouncer"
$install >/dev/null 2>&1 || { apt-get update -qq >/dev/null && $install >/dev/null; }
# Debian starts it as a service; what runs here is started by the test, with a file of its own.
service pgbouncer stop >/dev/null 2>&1 || true
