#!/bin/sh
# Fetches what makes the Java client. Without Java, Maven or its packages the test skips and says why.
set -u
exec >&2
cd "$(dirname "$0")/java" || exit 1
generator=org.openapitools:openapi-generator-cli:7.25.0

command -v javac >/dev/null && command -v mvn >/dev/null ||
    { echo "no Java or Maven here: the generated Java client will be skipped"; exit 0; }
[ .cache/openapi-generator-cli.jar -nt ../install_java.sh ] && exit 0

echo "fetching openapi-generator for the tests"
mvn --batch-mode --no-transfer-progress --quiet "-Dmaven.repo.local=$PWD/.cache/maven" \
    dependency:copy -Dartifact="$generator" -DoutputDirectory="$PWD/.cache" \
    -Dmdep.stripVersion=true </dev/null &&
    touch .cache/openapi-generator-cli.jar ||
    echo "Maven could not fetch it: the generated Java client will be skipped"
