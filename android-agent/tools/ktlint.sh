#!/bin/sh
# Kotlin's style, by ktlint: without arguments it checks; `ktlint.sh --format` mends what it can.
# .editorconfig has the rules.
set -eu

version=1.8.0

cd "$(dirname "$0")/.."
jar=target/ktlint-cli-$version-all.jar
[ -f "$jar" ] || tools/maven.sh --non-recursive dependency:copy \
    "-Dartifact=com.pinterest.ktlint:ktlint-cli:$version:jar:all" -DoutputDirectory=target
exec java -jar "$jar" --relative "$@" '*/src/**/*.kt'
