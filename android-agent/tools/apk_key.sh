#!/bin/sh
# The key that signs the app: DATA_DIR/secrets/apk-keystore.p12, its password beside it. Made once; with
# the other secrets it is in every backup. Usage: apk_key.sh DATA_DIR
set -eu

data=$1
key=$data/secrets/apk-keystore
former=$data/apk/keystore # where the first versions kept it

say() { echo "smsgate: $1" >&2; }

[ ! -f "$key.p12" ] || exit 0

mkdir -p "$data"
umask 077
mkdir -p "$data/secrets"

if [ -f "$former.p12" ]; then
    # The password first: a move that was broken off goes on here.
    [ ! -f "$former.password" ] || mv "$former.password" "$key.password"
    mv "$former.p12" "$key.p12"
    say "the key that signs the app is now $key.p12: make backup takes it along"
    exit 0
fi

say "making a key in $key.p12: only what it signs can update the phones; make backup takes it along"
"${PYTHON:-python3}" -c 'import secrets; print(secrets.token_hex(24))' >"$key.password"
rm -f "$key.new"
keytool -genkeypair -keystore "$key.new" -storetype PKCS12 -alias smsgate \
    -storepass:file "$key.password" -keyalg RSA -keysize 3072 -validity 20000 \
    -dname CN=smsgate >/dev/null 2>&1 || { say "keytool could not make a key"; exit 1; }
mv "$key.new" "$key.p12"
