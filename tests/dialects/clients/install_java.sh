#!/bin/sh
# Fetches what the vendor's Java sample (smsend) needs. Without Java or Maven its test skips and says why.
set -u
exec >&2
cd "$(dirname "$0")/java" || exit 1
gson=com.google.code.gson:gson:2.10.1

command -v javac >/dev/null && command -v mvn >/dev/null ||
    { echo "no Java or Maven here: the test of the Java sample will be skipped"; exit 0; }
[ -e lib/gson-2.10.1.jar ] && exit 0

echo "fetching Gson for the tests"
mvn --batch-mode --no-transfer-progress --quiet dependency:copy \
    -Dartifact="$gson" -DoutputDirectory="$PWD/lib" </dev/null ||
    echo "Maven could not fetch it: the test of the Java sample will be skipped"
