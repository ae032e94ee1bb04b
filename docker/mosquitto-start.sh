#!/bin/sh
# Bring the files of broker-config to the broker's own user, then become the broker or reload it.
# usage: start.sh [reload]
set -eu
from=${GREENPARK_BROKER_FILES:-/run/mqtt}
home=${GREENPARK_BROKER_HOME:-/mosquitto}
umask 077
# whole files only: the running broker may read them at any moment
for file in "$from"/*; do
    name=${file##*/}
    cp "$file" "$home/config/.$name"
    if [ "$(id -u)" = 0 ]; then
        chown mosquitto:mosquitto "$home/config/.$name"
    fi
    mv "$home/config/.$name" "$home/config/$name"
done
if [ "${1:-}" = reload ]; then
    exec kill -HUP 1
fi
if [ "$(id -u)" = 0 ]; then
    chown -R mosquitto:mosquitto "$home/config" "$home/data"
fi
exec mosquitto -c "$home/config/mosquitto.conf"
