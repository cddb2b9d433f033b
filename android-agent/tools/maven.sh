#!/bin/sh
# Maven on the agent's modules, with what it needs: a JDK (17 or newer) and Maven itself.
# Usage, from anywhere: android-agent/tools/maven.sh GOAL…
set -eu

say() { echo "smsgate: $1" >&2; }

if ! { command -v mvn && command -v javac; } >/dev/null; then
    packages="maven default-jdk-headless"
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "a JDK and Maven are missing (Debian, Ubuntu: apt-get install $packages)"
        exit 1
    fi
    say "installing $packages with apt-get"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -qq --yes --no-install-recommends $packages; } >/dev/null
fi

cd "$(dirname "$0")/.."
version=$(sed -n 's/^## \([0-9][0-9.]*\).*/\1/p' ../CHANGELOG.md | head -n 1)
exec mvn --batch-mode --no-transfer-progress --quiet "-Drevision=$version" "$@"
