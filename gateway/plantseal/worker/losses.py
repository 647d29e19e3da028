"""Why a source cannot be read at present, and how long to wait before the next try."""

import random
import traceback
from dataclasses import dataclass
from typing import Final, Literal

from plantseal_connectors.source import Disconnected, Refused
from plantseal_connectors.status import BAD_DECODING_ERROR, BAD_TIMEOUT

FIRST_WAIT_S: Final = 1.0
MAX_WAIT_S: Final = 30.0
STEADY_S: Final = 10.0
"""A session that lasted so long begins the back-off anew [s]."""
MAX_TEXT: Final = 500


@dataclass(frozen=True, slots=True)
class Loss:
    """What ended a session, or kept one from beginning.

    Attributes:
        state: ``refused`` when a person must act.
        status: Status of the slots closed meanwhile, and of the death.
        detail: What happened.
        remedy: What a person can do; empty when waiting is all.
        trace: Traceback of a fault that nobody foresaw; empty otherwise.
    """

    state: Literal["backing off", "refused"]
    status: int
    detail: str
    remedy: str = ""
    trace: str = ""


def loss_of(error: BaseException) -> Loss:
    """Return what an exception of a source means.

    Example:
        >>> loss_of(IndexError("list index out of range")).detail
        'fault while reading the device: IndexError: list index out of range'
    """
    match error:
        case BaseExceptionGroup():  # of a task group: a loss that was foreseen explains the rest
            known = error.split((Disconnected, Refused))[0] or error
            return loss_of(_first(known))
        case Disconnected():
            return Loss("backing off", error.status, readable(str(error)), readable(error.remedy))
        case Refused():
            return Loss("refused", error.status, readable(str(error)), readable(error.remedy))
        case _:
            what = readable(f"{type(error).__name__}: {error}")
            return Loss(
                "backing off",
                BAD_DECODING_ERROR,
                f"fault while reading the device: {what}",
                "the device may have sent something that its protocol does not allow; "
                "if it goes on, report it with the log",
                "".join(traceback.format_exception(error, limit=20)),
            )


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def no_session(within_s: float) -> Loss:
    """Return the loss of a device that neither accepts nor refuses."""
    return Loss(
        "backing off",
        BAD_TIMEOUT,
        f"no session within {within_s:g} s",
        "check that the device answers on this address, and the network between",
    )


def stalled(slots_s: float) -> Loss:
    """Return the loss of a source that is connected and closes no slot any more."""
    return Loss("backing off", BAD_TIMEOUT, f"connected, but no poll slot closed for {slots_s:g} s")


def readable(text: str) -> str:
    """Return ``text`` fit for a log line and for JSON: one line, no broken characters, not endless."""
    whole = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return whole if len(whole) <= MAX_TEXT else whole[: MAX_TEXT - 1] + "…"


@dataclass(slots=True)
class BackOff:
    """Waits between tries: 1 s, doubling to 30 s, each shortened by chance by up to a half.

    Sources that were lost together then do not come back together.
    """

    tries: int = 0

    def after(self, loss: Loss, lasted_s: float) -> float:
        """Return the seconds to wait after a session, or a try, that lasted ``lasted_s``."""
        if lasted_s >= STEADY_S:
            self.tries = 0
        wait_s = min(MAX_WAIT_S, FIRST_WAIT_S * (1 << min(self.tries, 10)))
        self.tries += 1
        if loss.state == "refused":
            wait_s = MAX_WAIT_S
        return wait_s * random.uniform(0.5, 1.0)  # noqa: S311  spread, not secrecy
