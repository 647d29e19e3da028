"""Status codes of rows: the OPC UA StatusCode space, with Modbus and MQTT failures mapped in.

Severity lies in the two top bits: 00 good, 01 uncertain, 10 bad. For a Modbus exception the low
byte carries the exception code (that byte is reserved in the standard). The table for other
programs is in ``docs/bundle-format.md``.

Source: OPC 10000-4, 7.39 StatusCode; OPC 10000-6, annex A (values).
"""

from typing import Final

GOOD: Final = 0x0000_0000
UNCERTAIN: Final = 0x4000_0000
BAD: Final = 0x8000_0000
BAD_COMMUNICATION_ERROR: Final = 0x8005_0000
BAD_DECODING_ERROR: Final = 0x8007_0000  # bytes that could not be read as the declared type
BAD_TIMEOUT: Final = 0x800A_0000
BAD_SERVICE_UNSUPPORTED: Final = 0x800B_0000
BAD_SHUTDOWN: Final = 0x800C_0000  # the gateway or a worker was not running
BAD_USER_ACCESS_DENIED: Final = 0x801F_0000
BAD_NO_COMMUNICATION: Final = 0x8031_0000  # demoted, or the last hop did not answer
BAD_WAITING_FOR_INITIAL_DATA: Final = 0x8032_0000
BAD_NODE_ID_INVALID: Final = 0x8033_0000
BAD_NODE_ID_UNKNOWN: Final = 0x8034_0000
BAD_OUT_OF_RANGE: Final = 0x803C_0000
BAD_NOT_FOUND: Final = 0x803E_0000
BAD_TYPE_MISMATCH: Final = 0x8074_0000
BAD_NOT_CONNECTED: Final = 0x808A_0000
BAD_DEVICE_FAILURE: Final = 0x808B_0000
BAD_RESOURCE_UNAVAILABLE: Final = 0x8004_0000  # slot overrun: the poll before it took too long
BAD_SENSOR_FAILURE: Final = 0x808C_0000
BAD_OUT_OF_SERVICE: Final = 0x808D_0000
BAD_NO_DATA: Final = 0x809B_0000  # the device says that it has no value (UNAVAILABLE, null)

OVERFLOW: Final = 0x0480  # InfoType DataValue + Overflow
NAMES: Final = {
    code: name
    for name, code in list(globals().items())
    if name.isupper() and isinstance(code, int) and name != "OVERFLOW"
}


def is_good(status: int) -> bool:
    """Return True when the severity bits say good."""
    return status >> 30 == 0


def is_bad(status: int) -> bool:
    """Return True when the severity bits say bad."""
    return status >> 30 >= 2


def overflowed(status: int) -> bool:
    """Return True when the overflow bit is set (quirk: such a code still reads plain Good)."""
    return status & OVERFLOW == OVERFLOW


def of_modbus_exception(code: int) -> int:
    """Return the status of a Modbus exception response, its code in the low byte.

    Source: Modbus Application Protocol V1.1b3, 7.

    Example:
        >>> hex(of_modbus_exception(2))
        '0x80340002'
    """
    base = {
        1: BAD_SERVICE_UNSUPPORTED,
        2: BAD_NODE_ID_UNKNOWN,
        3: BAD_OUT_OF_RANGE,
        4: BAD_DEVICE_FAILURE,
        5: BAD_RESOURCE_UNAVAILABLE,
        6: BAD_RESOURCE_UNAVAILABLE,
        8: BAD_DEVICE_FAILURE,
        10: BAD_NO_COMMUNICATION,
        11: BAD_NO_COMMUNICATION,
    }.get(code, BAD)
    return base | (code & 0xFF)


def text(status: int) -> str:
    """Return the name of a status as a person reads it, with its code in hex.

    Example:
        >>> text(0x800A0000)
        'BadTimeout (0x800A0000)'
        >>> text(0x80340002)
        'BadNodeIdUnknown (0x80340002, Modbus exception 2)'
    """
    name = NAMES.get(status & 0xFFFF_0000)
    words = (
        "".join(w.capitalize() for w in name.split("_"))
        if name
        else (("Good", "Uncertain", "Bad", "Bad")[status >> 30])
    )
    extra = ", overflow" if overflowed(status) else ""
    if is_bad(status) and 0 < status & 0xFFFF < 0x100:
        extra = f", Modbus exception {status & 0xFF}"
    return words if status == GOOD else f"{words} (0x{status:08X}{extra})"
