"""Passwords come from the environment, never from a file that is hashed into the log."""

import os

from plantseal_connectors.source import Refused
from plantseal_connectors.status import BAD_USER_ACCESS_DENIED


def from_environment(variable: str | None, *, account: str | None, endpoint: str) -> str | None:
    """Return the password that an environment variable holds; None where none is configured.

    Raises:
        Refused: The variable is not set; the remedy names it.
    """
    if variable is None:
        return None
    secret = os.environ.get(variable)
    if secret is None:
        raise Refused(
            f"{endpoint}: environment variable {variable} is not set",
            status=BAD_USER_ACCESS_DENIED,
            remedy=f"set {variable} to the password of {account!r}",
        )
    return secret
