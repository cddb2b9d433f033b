#!/bin/sh
# The page tests drive a headless Chromium. As root on Debian or Ubuntu a missing one is installed;
# elsewhere those tests skip and say why.
set -u
exec >&2

for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "no chromium here: the page tests will be skipped (Debian: apt-get install chromium)"
    exit 0
fi

echo "installing chromium with apt-get for the page tests"
export DEBIAN_FRONTEND=noninteractive
install="apt-get install -qq --yes --no-install-recommends chromium"
$install >/dev/null 2>&1 || { apt-get update -qq >/dev/null 2>&1 && $install >/dev/null 2>&1; } ||
    echo "chromium could not be installed: the page tests will be skipped"
