#!/bin/sh
# Make the missing secret files of docker-compose.yml with random passwords; existing ones stay.
# (Those of the broker are made by its service broker-config.)
# usage: docker/make-secrets.sh [FOLDER]
set -eu
folder=${1:-"$(dirname "$0")/../secrets"}
mkdir -p "$folder"
chmod 700 "$folder" # the files are readable, so that services without root rights can read them

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

for name in database_password grafana_admin_password grafana_reader_password \
    collector_db_password link_secret; do
    [ -s "$folder/$name" ] || random >"$folder/$name"
done
[ -s "$folder/dsn" ] || printf 'postgresql://greenpark:%s@timescaledb:5432/greenpark' \
    "$(cat "$folder/database_password")" >"$folder/dsn"
[ -s "$folder/collector_dsn" ] ||
    printf 'postgresql://greenpark_collect:%s@timescaledb:5432/greenpark' \
        "$(cat "$folder/collector_db_password")" >"$folder/collector_dsn"
chmod 644 "$folder"/*
