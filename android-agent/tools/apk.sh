#!/bin/sh
# Builds, signs and checks the app: DATA_DIR/apk/smsgate.apk. Run from the top folder (`make apk`).
#
# Needs a JDK (17 or newer) and Maven, zipalign and apksigner (as root on Debian all are installed), and
# nothing from Google's servers.
#
# The key: APK_KEYSTORE (a file), APK_KEYSTORE_PASSWORD and APK_KEY_ALIAS from the environment; without
# them one that is made once (apk_key.sh). Android refuses an update that another key has signed, so that
# with a new one every phone must be reinstalled and paired again.
set -eu

python=${PYTHON:-python3}
tools=android-agent/tools
target=android-agent/app/target
data=${DATA_DIR:-data}
out=$data/apk

say() { echo "smsgate: $1" >&2; }
stop() {
    say "$1"
    exit 1
}

if ! { command -v zipalign && command -v apksigner; } >/dev/null; then
    install="apt-get install -qq --yes --no-install-recommends zipalign apksigner"
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        stop "zipalign and apksigner are missing (Debian, Ubuntu: apt-get install zipalign apksigner)"
    fi
    say "installing zipalign and apksigner with apt-get"
    export DEBIAN_FRONTEND=noninteractive
    $install >/dev/null 2>&1 || { apt-get update -qq >/dev/null 2>&1 && $install >/dev/null 2>&1; } ||
        stop "they could not be installed: $install"
fi

# What a former build left behind would be in the APK.
rm -rf android-agent/core/target/classes "$target/classes" "$target/generated-sources" "$target/dex" \
    "$target/dex-input"
"$tools/maven.sh" --projects app --also-make --activate-profiles apk -Dmaven.test.skip=true package

mkdir -p "$out"

if [ -n "${APK_KEYSTORE:-}" ]; then
    keystore=$APK_KEYSTORE
    alias=${APK_KEY_ALIAS:?names the key in APK_KEYSTORE}
    : "${APK_KEYSTORE_PASSWORD:?opens APK_KEYSTORE}"
    password=env:APK_KEYSTORE_PASSWORD
else
    "$tools/apk_key.sh" "$data"
    keystore=$data/secrets/apk-keystore.p12
    alias=smsgate
    password=file:$data/secrets/apk-keystore.password
fi

"$python" "$tools/assemble.py" "$target/resources.apk" "$target/dex" "$target/dex-input" \
    "$target/unaligned.apk"
zipalign -f -p 4 "$target/unaligned.apk" "$target/unsigned.apk"
apksigner sign --ks "$keystore" --ks-key-alias "$alias" --ks-pass "$password" \
    --min-sdk-version 26 --v1-signing-enabled false --v4-signing-enabled false \
    --out "$target/smsgate.apk" "$target/unsigned.apk"
"$tools/check.sh" "$target/smsgate.apk"

# In one step: the server may be offering it right now.
chmod 644 "$target/smsgate.apk"
mv "$target/smsgate.apk" "$out/smsgate.apk"
# By it the console says that a phone's app is older. It is the newest of the changelog, as in maven.sh.
sed -n 's/^## \([0-9][0-9.]*\).*/\1/p' CHANGELOG.md | head -n 1 >"$out/version"

echo "$out/smsgate.apk: $(wc -c <"$out/smsgate.apk" | tr -d ' ') bytes"
echo "without its signature: sha256 $(sha256sum "$target/unsigned.apk" | cut -d ' ' -f 1)"
