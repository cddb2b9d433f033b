#!/bin/sh
# install_from_debian.sh PROGRAM [PACKAGE]: a server that a test starts. As root on Debian or Ubuntu a
# missing one is installed, from the package of that name if none is given.
set -eu
exec >&2

command -v "$1" >/dev/null && exit 0
package="${2:-$1}"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "no $1 here (Debian: apt-get install $package)"
    exit 1
fi
echo "installing $package with apt-get"
export DEBIAN_FRONTEND=noninteractive
install="apt-get install -qq --yes --no-install-recommends $package"
$install >/dev/null 2>&1 || { apt-get update -qq >/dev/null && $install >/dev/null; }
# Debian starts it as a service; what runs here is started by the test, with a file of its own.
service "$1" stop >/dev/null 2>&1 || true
