"""The Sparkplug B payload as protobuf message classes, built from a table of field numbers.

The table is written from the Sparkplug 3.0 specification, 6.4 (payload component definitions);
there is no generated file. Text fields are declared as bytes, which is the same on the wire:
devices send text that is not UTF-8, and that is for the decoder to answer, not for the parser.
"""

from functools import cache
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto

_VALUES: Final = (
    ("int_value", "uint32"),
    ("long_value", "uint64"),
    ("float_value", "float"),
    ("double_value", "double"),
    ("boolean_value", "bool"),
    ("string_value", "bytes"),
)


def _oneof(first: int) -> tuple[tuple[int, str, str], ...]:
    return tuple((first + i, f"?{name}", kind) for i, (name, kind) in enumerate(_VALUES))


# message: (number, name, type); a leading * is repeated, a leading ? is in the oneof "value",
# a type in capitals is another message
_TABLE: Final = {
    "Payload": (
        (1, "timestamp", "uint64"),
        (2, "*metrics", "Metric"),
        (3, "seq", "uint64"),
        (4, "uuid", "bytes"),
        (5, "body", "bytes"),
    ),
    "Metric": (
        (1, "name", "bytes"),
        (2, "alias", "uint64"),
        (3, "timestamp", "uint64"),
        (4, "datatype", "uint32"),
        (5, "is_historical", "bool"),
        (6, "is_transient", "bool"),
        (7, "is_null", "bool"),
        (9, "properties", "PropertySet"),
        *_oneof(10),
        (16, "?bytes_value", "bytes"),
        (17, "?dataset_value", "DataSet"),
        (18, "?template_value", "bytes"),  # a Template, left as its bytes
        (19, "?extension_value", "bytes"),
    ),
    "PropertySet": ((1, "*keys", "bytes"), (2, "*values", "PropertyValue")),
    "PropertyValue": ((1, "type", "uint32"), (2, "is_null", "bool"), *_oneof(3)),
    "DataSet": (
        (1, "num_of_columns", "uint64"),
        (2, "*columns", "bytes"),
        (3, "*types", "uint32"),
        (4, "*rows", "Row"),
    ),
    "Row": ((1, "*elements", "DataSetValue"),),
    "DataSetValue": _oneof(1),
}


@cache
def payload_class() -> Any:
    """Return the message class of a Sparkplug B payload.

    Example:
        >>> payload = payload_class()()
        >>> payload.metrics.add(name=b"Temperature", alias=100, double_value=21.5).alias
        100
        >>> payload.seq = 1
        >>> payload_class().FromString(payload.SerializeToString()).seq
        1
    """
    file = descriptor_pb2.FileDescriptorProto(
        name="plantseal/sparkplug_b.proto", package="plantseal.sparkplug", syntax="proto2"
    )
    for message, fields in _TABLE.items():
        descriptor = file.message_type.add(name=message)
        if any(name.startswith("?") for _, name, _ in fields):
            descriptor.oneof_decl.add(name="value")
        for number, name, kind in fields:
            field = descriptor.field.add(
                number=number,
                name=name.lstrip("*?"),
                label=_Field.LABEL_REPEATED if name.startswith("*") else _Field.LABEL_OPTIONAL,
            )
            if kind[0].isupper():
                field.type = _Field.TYPE_MESSAGE
                field.type_name = f".{file.package}.{kind}"
            else:
                field.type = _Field.Type.Value(f"TYPE_{kind.upper()}")
            if name.startswith("?"):
                field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()  # our own: no clash with another program's table
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.Payload"))
