"""What an OPC UA source has in plant.yaml."""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from plantseal_connectors.passwords import from_environment
from plantseal_connectors.source import SourceSettings

Policy = Literal["None", "Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"]


class OpcUaSecurity(BaseModel):
    """How server and gateway prove who they are; the server's certificate is pinned.

    Nothing weaker is ever taken instead: what is asked for here is negotiated, or the source is
    refused.

    Attributes:
        policy: Security policy; Basic128Rsa15 and Basic256 are broken and not offered.
        mode: ``Sign`` or ``SignAndEncrypt``.
        cert: Certificate of the gateway (PEM or DER); the URI in its subject alternative name
            becomes the application URI.
        key: Its private key (PEM or DER), readable by the gateway alone.
        server_cert: Certificate that the server must show (PEM or DER).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: Policy = "Basic256Sha256"
    mode: Literal["Sign", "SignAndEncrypt"] = "SignAndEncrypt"
    cert: Path | None = None
    key: Path | None = None
    server_cert: Path | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [n for n in ("cert", "key", "server_cert") if getattr(self, n) is None]
        if self.policy != "None" and missing:
            raise ValueError(
                f"policy {self.policy} without {', '.join(missing)}: expected all three"
            )
        return self


class OpcUaSettings(SourceSettings):
    """Settings of one OPC UA server.

    Attributes:
        endpoint: ``opc.tcp://host:port/path``, without account.
        publishing_ms: Publishing interval [ms]: how often changes are sent.
        sampling_ms: Sampling interval asked for each item [ms]; 0 is as fast as the server can,
            -1 the publishing interval. Ask for less of a small PLC.
        queue_size: Changes of one item that the server keeps between two publishes. What does
            not fit is lost, and flagged as overflow.
        keepalive_s: Longest silence of a living subscription [s]; after three of them without a
            word the source counts as lost.
        session_timeout_s: How long the server keeps a session whose client is gone [s]; short,
            because small PLCs have five to ten sessions.
        timeout_s: How long an answer may take [s].
        publish_requests: Publish requests kept at the server; each holds one message in memory
            until it is durable.
        security: Absent for an unencrypted channel; the source is then marked unauthenticated.
        username: Account at the server; anonymous without.
        password_env: Name of the environment variable that holds its password.
    """

    endpoint: str
    publishing_ms: int = Field(default=500, ge=50, le=60_000)
    sampling_ms: int = Field(default=0, ge=-1, le=60_000)
    queue_size: int = Field(default=1_000, ge=1, le=1_000_000)
    keepalive_s: float = Field(default=5.0, ge=0.1, le=600.0)
    session_timeout_s: int = Field(default=30, ge=10, le=60)
    timeout_s: float = Field(default=5.0, ge=0.5, le=60.0)
    publish_requests: int = Field(default=3, ge=1, le=10)
    security: OpcUaSecurity = OpcUaSecurity(policy="None")
    username: str | None = None
    password_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")

    @field_validator("endpoint")
    @classmethod
    def _is_endpoint(cls, value: str) -> str:
        expected = "expected opc.tcp://host:port/path"
        try:
            url = urlsplit(value)
            port = url.port
        except ValueError as e:
            raise ValueError(f"got {value!r}, {expected}: {e}") from None
        if "@" in url.netloc:
            raise ValueError(
                f"got an account in the address, {expected}; put it under username and password_env"
            )
        if url.scheme != "opc.tcp" or not url.hostname or port is None:
            raise ValueError(f"got {value!r}, {expected}")
        return value

    @model_validator(mode="after")
    def _account(self) -> Self:
        if self.password_env is not None and self.username is None:
            raise ValueError("password_env without username: expected both")
        return self

    @property
    def keepalive_count(self) -> int:
        """Return the publishing intervals without a change after which a keep-alive is sent."""
        return max(1, round(self.keepalive_s * 1000 / self.publishing_ms))

    @property
    def keepalive_ms(self) -> int:
        """Return the keep-alive interval [ms]: publishing interval times keep-alive count.

        Example:
            >>> OpcUaSettings(endpoint="opc.tcp://10.0.0.8:4840").keepalive_ms
            5000
        """
        return self.publishing_ms * self.keepalive_count

    def password(self) -> str | None:
        """Return the password from the environment; None where none is configured.

        Raises:
            Refused: The environment variable is not set.
        """
        return from_environment(self.password_env, account=self.username, endpoint=self.endpoint)
