#!/bin/sh
# Makes a root folder of Debian: what a fresh machine has, and what the stand-in images need.
# Usage: base.sh SUITE FOLDER
set -eu
suite=$1
root=$2
packages=python3,python3-venv,ca-certificates,make,git,curl,procps
if [ "$suite" = bookworm ]; then
    packages=$packages,redis-tools,wget
fi

# An interrupted run leaves /proc mounted there.
umount "$root/proc" "$root/sys" 2>/dev/null || true
rm -rf --one-file-system "$root"
# No fsync for each file, which a busy disk makes minutes of.
mkdir -p "$root/etc/dpkg/dpkg.cfg.d"
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
debootstrap --variant=minbase --include="$packages" "$suite" "$root"
if [ "$suite" = bookworm ]; then
    ln -s python3 "$root/usr/bin/python"       # as the official Python image has it,
    ln -s redis-cli "$root/usr/bin/valkey-cli" # and Valkey's
    chroot "$root" useradd --system --user-group valkey
    chroot "$root" useradd --system --user-group postgres
fi
chroot "$root" useradd --create-home --uid 1000 person
# The certificates that this machine trusts, for pip behind a proxy of the machine's own.
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$root/etc/pip.conf"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
