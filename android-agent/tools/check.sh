#!/bin/sh
# What must hold of every APK: a sound signature, the size, what its manifest promises, and no method
# of Android that nobody has reviewed. Usage: check.sh APK (after a build: it looks at its classes).
set -eu

apk=$1
tools=$(dirname "$0")
target=$tools/../app/target
aapt2=$target/tools/prebuilt/linux/aapt2
python=${PYTHON:-python3}

apksigner verify --min-sdk-version 26 "$apk" || { echo "smsgate: the signature is not sound" >&2; exit 1; }
zipalign -c -p 4 "$apk" >/dev/null || { echo "smsgate: not aligned" >&2; exit 1; }
"$aapt2" dump xmltree --file AndroidManifest.xml "$apk" >"$target/manifest.txt"
"$aapt2" dump badging "$apk" >"$target/badging.txt"
"$python" "$tools/check_apk.py" "$apk" "$target/manifest.txt" "$target/badging.txt"
"$python" "$tools/api_check.py" "$tools/android-api.txt" "$target/classes" "$target/dex-input"
