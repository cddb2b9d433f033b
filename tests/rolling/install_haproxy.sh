#!/bin/sh
# The balancer that web processes are rolled behind. As root on Debian or Ubuntu a missing one is installed.
set -eu
exec >&2

command -v haproxy >/dev/null && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "no haproxy here (Debian: apt-get install haproxy)"
    exit 1
fi
echo "installing haproxy with apt-get"
export DEBIAN_FRONTEND=noninteractive
install="apt-get install -qq --yes --no-install-recommends haproxy"
$install >/dev/null 2>&1 || { apt-get update -qq >/dev/null && $install >/dev/null; }
# Debian starts it as a service; what runs here is started by the test, with a file of its own.
service haproxy stop >/dev/null 2>&1 || true
