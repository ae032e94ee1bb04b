#!/bin/sh
# Hash the passwords of the secret files into the password file, then become the broker.
set -eu
file=/mosquitto/data/passwords
: >"$file"
chmod 600 "$file"
for name in collector simulator; do
    mosquitto_passwd -b "$file" "greenpark-$name" "$(cat "/run/secrets/mqtt_${name}_password")"
done
if [ "$(id -u)" = 0 ]; then
    chown -R mosquitto:mosquitto /mosquitto/data
fi
exec mosquitto -c /mosquitto/config/mosquitto.conf
