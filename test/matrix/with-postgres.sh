#!/bin/sh
# Runs a command while the PostgreSQL in /opt/postgres runs on a new cluster:
# with-postgres.sh PORT COMMAND... It runs inside the root that musl.ts makes.
port=$1
shift
folder=$(mktemp -d)
chown nobody "$folder"
as_nobody() { (cd "$folder" && su nobody -s /bin/sh -c "TZ=UTC $1") >>/tmp/postgres.log 2>&1; }
as_nobody "/opt/postgres/bin/initdb -D $folder/data -U postgres -A trust -E UTF8 --no-sync" || exit
as_nobody "/opt/postgres/bin/pg_ctl -D $folder/data -w -l $folder/log start \
  -o '-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='" || exit
"$@"
code=$?
as_nobody "/opt/postgres/bin/pg_ctl -D $folder/data -w -m fast stop"
rm -rf "$folder"
exit $code
