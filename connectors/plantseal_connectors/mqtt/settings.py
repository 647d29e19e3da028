"""What plant.yaml says of a broker, and of the JSON that travels through it."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from plantseal_connectors.passwords import from_environment
from plantseal_connectors.source import SourceSettings

TimeUnit = Literal["ns", "us", "ms", "s", "iso"]


class TlsSettings(BaseModel):
    """How the broker proves who it is, and we who we are.

    Attributes:
        ca: PEM file of the authority that signed the broker's certificate; None is the system's.
        cert: PEM file of our client certificate.
        key: PEM file of its private key; None when it lies in ``cert``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _paired(self) -> Self:
        if self.key is not None and self.cert is None:
            raise ValueError("key without cert: expected both, or neither")
        return self


class BrokerSettings(SourceSettings):
    """How a broker is reached.

    Attributes:
        host: Name or address of the broker.
        port: TCP port; 1883 plain, 8883 by custom with TLS.
        client_id: Unique at the broker; empty is ``plantseal-<source id>``. Two gateways with
            the same id throw each other out for ever.
        protocol: MQTT version; many brokers in plants know 3.1.1 only.
        keepalive_s: Longest silence between us and the broker [s].
        tls: Present for an encrypted connection.
        username: Account at the broker.
        password_env: Name of the environment variable that holds its password.
        persistent: The broker keeps undelivered QoS 1 messages while we are away.
        session_expiry_s: How long it keeps them, MQTT 5 only [s]; 3.1.1 leaves it to the broker.
        qos: Quality of service asked for; with 0 nothing is delivered again after a loss.
        inflight: Messages held in memory until they are durable; then the line is slowed.
    """

    host: str = Field(min_length=1)
    port: int = Field(default=1883, ge=1, le=65_535)
    client_id: str = Field(default="", max_length=128)
    protocol: Literal["3.1.1", "5"] = "3.1.1"
    keepalive_s: int = Field(default=30, ge=5, le=3_600)
    tls: TlsSettings | None = None
    username: str | None = None
    password_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    persistent: bool = True
    session_expiry_s: int = Field(default=604_800, ge=1, le=0xFFFF_FFFE)
    qos: Literal[0, 1] = 1
    inflight: int = Field(default=1_000, ge=1, le=65_535)

    @model_validator(mode="after")
    def _account(self) -> Self:
        if self.password_env is not None and self.username is None:
            raise ValueError("password_env without username: expected both")
        return self

    @property
    def endpoint(self) -> str:
        """Return the address as a URL, without account."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtt' if self.tls is None else 'mqtts'}://{host}:{self.port}"

    def password(self) -> str | None:
        """Return the password from the environment; None where none is configured.

        Raises:
            Refused: The environment variable is not set.
        """
        return from_environment(self.password_env, account=self.username, endpoint=self.endpoint)


class MqttSettings(BrokerSettings):
    """A broker whose topics carry JSON.

    Attributes:
        time: JSON pointer to the time in each payload, e.g. ``/ts``; None where there is none.
        time_unit: What that time counts since the Unix epoch, or ``iso`` for RFC 3339 text.
    """

    time: str | None = Field(default=None, pattern=r"^(/([^/~]|~[01])*)*$")
    time_unit: TimeUnit = "ms"

    @property
    def keepalive_ms(self) -> int:
        """Return 0: the tag's own period.

        A broker's answer to a ping proves nothing of the device behind it; each message does.
        """
        return 0
