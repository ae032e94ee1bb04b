"""The MQTT client of the collector: paho with our socket in between, and a session that stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from collectors.formats.base import Publication
from collectors.packets import PacketSocket
from models.broker import BrokerAddress

SESSION_S = 30 * 86_400
KEEPALIVE_S = 120


class Client(mqtt.Client):
    """Acknowledges nothing by itself; `packets` is the socket of the present connection."""

    packets: PacketSocket

    def __init__(self, address: BrokerAddress, client_id: str) -> None:
        self._address = address
        self._v5 = address.protocol == "5"
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            manual_ack=True,
            protocol=mqtt.MQTTv5 if self._v5 else mqtt.MQTTv311,
            clean_session=None if self._v5 else False,
        )
        address.log_in(self)

    def _create_socket(self) -> Any:
        self.packets = PacketSocket(super()._create_socket(), v5=self._v5)
        return self.packets

    def open_session(self, window: int, will: Publication | None) -> None:
        """Connect to the session that the broker keeps for us, or to a new one.

        Args:
            window: most messages delivered and not acknowledged (Receive Maximum, version 5).

        Raises:
            OSError, ValueError: the broker cannot be reached.
        """
        more: dict[str, Any] = {}
        if self._v5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = SESSION_S
            properties.ReceiveMaximum = window
            more = {"clean_start": False, "properties": properties}
        if will:
            self.will_set(will.topic, will.payload, will.qos, will.retain)
        self.connect(self._address.host, self._address.port, KEEPALIVE_S, **more)

    def take_up(self, topics: Sequence[str]) -> int | None:
        """Subscribe at QoS 1, retained messages only if new; returns the packet id."""
        if self._v5:
            options = SubscribeOptions(qos=1, retainHandling=1)
            return self.subscribe([(topic, options) for topic in topics])[1]
        return self.subscribe([(topic, 1) for topic in topics])[1]

    def end(self, *, forget: bool) -> None:
        """Disconnect; with `forget` the broker keeps nothing for this client any more."""
        properties = None
        if forget and self._v5:
            properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 0
        self.disconnect(properties=properties)
