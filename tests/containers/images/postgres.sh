# What docker-compose.yml asks of the official image: the first start makes the user POSTGRES_USER with
# POSTGRES_PASSWORD and the database POSTGRES_DB; then the command runs, without root's rights.
set -eu
export PGDATA=/var/lib/postgresql/18/docker

if [ "$(id -u)" = 0 ]; then
    install --directory --owner=postgres --mode=0700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --clear-groups sh "$0" "$@"
fi
if [ ! -e "$PGDATA/is-ready" ]; then
    rm -rf "${PGDATA:?}"/*
    printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
    # shellcheck disable=SC2086 # several words
    initdb --username="$POSTGRES_USER" --pwfile=/tmp/password $POSTGRES_INITDB_ARGS
    rm /tmp/password
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
    pg_ctl --wait --options="-c listen_addresses=" start
    PGPASSWORD=$POSTGRES_PASSWORD createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
    pg_ctl --wait stop
    touch "$PGDATA/is-ready"
fi
exec "$@"
