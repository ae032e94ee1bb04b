"""mosquitto.conf: what it has acknowledged survives, and nobody gets in without a login."""

from __future__ import annotations

from app.brokerconf.options import Options

# Never max_inflight_messages 0: packet ids would be reused. The queue holds about 1 GB of
# 200-byte messages.
_LIMITS = """\
max_inflight_messages 1000
max_queued_messages 2000000
max_queued_bytes 1073741824
persistent_client_expiration 30d
max_packet_size 2097152
max_keepalive 600
"""
_LOG = "log_dest stdout\nlog_type error\nlog_type warning\nlog_type notice\n"


def conf_text(options: Options) -> str:
    """Configuration of Mosquitto 2.1, or of 2.0 when there is no folder of plugins."""
    return "\n".join(
        (
            "# Made by: greenpark broker-config. Do not edit: the next run writes it anew.\n"
            "allow_anonymous false\n",
            _listeners(options),
            _persistence(options),
            _access(options),
            _LIMITS,
            _LOG,
        )
    )


def _listeners(options: Options) -> str:
    files = options.paths.files
    lines = [
        f"listener {options.port} {options.bind}".rstrip(),
        f"cafile {files}/ca.crt",
        f"certfile {files}/server.crt",
        f"keyfile {files}/server.key",
    ]
    if options.certificates:
        lines += [
            "require_certificate true",
            "use_identity_as_username true",
            f"crlfile {files}/crl.pem",
        ]
    if options.plain_port:
        lines += ["", f"listener {options.plain_port} 127.0.0.1"]
    return "\n".join(lines) + "\n"


def _persistence(options: Options) -> str:
    place = f"persistence_location {options.paths.data}/\n"
    if not options.paths.plugins:
        return f"persistence true\n{place}"
    # the default flush period of 5 s loses messages when the broker is killed
    plugin = f"{options.paths.plugins}/mosquitto_persist_sqlite.so"
    return f"{place}plugin {plugin}\nplugin_opt_flush_period 0\n"


def _access(options: Options) -> str:
    kinds = [("acl_file", "acl")]
    if not options.certificates:
        kinds.insert(0, ("password_file", "passwords"))
    lines = []
    for kind, name in kinds:
        path = f"{options.paths.files}/{name}"
        if options.paths.plugins:
            lines.append(f"plugin {options.paths.plugins}/mosquitto_{kind}.so")
            lines.append(f"plugin_opt_{kind} {path}")
        else:
            lines.append(f"{kind} {path}")
    return "\n".join(lines) + "\n"
