"""The Sparkplug B payload as a protobuf schema, built from a table when the program starts.

Only what a host application reads is spelled out. Templates, data sets, meta data and nested
property sets are declared as plain bytes (the same on the wire): never parsed, so nothing in a
payload can nest deeper than four messages.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_PACKAGE = "greenpark.sparkplug"

# message -> fields "number type name"; * repeated, a capital a message, | one of the values.
# Source: Sparkplug 3.0.0, chapter 6.4, message and field numbers.
_TABLE = {
    "PropertyValue": (
        "1 uint32 type",
        "2 bool is_null",
        "3 uint32 int_value |",
        "4 uint64 long_value |",
        "5 float float_value |",
        "6 double double_value |",
        "7 bool boolean_value |",
        "8 string string_value |",
        "9 bytes propertyset_value |",
        "10 bytes propertysets_value |",
    ),
    "PropertySet": ("1 string keys *", "2 PropertyValue values *"),
    "Metric": (
        "1 string name",
        "2 uint64 alias",
        "3 uint64 timestamp",
        "4 uint32 datatype",
        "5 bool is_historical",
        "6 bool is_transient",
        "7 bool is_null",
        "8 bytes metadata",
        "9 PropertySet properties",
        "10 uint32 int_value |",
        "11 uint64 long_value |",
        "12 float float_value |",
        "13 double double_value |",
        "14 bool boolean_value |",
        "15 string string_value |",
        "16 bytes bytes_value |",
        "17 bytes dataset_value |",
        "18 bytes template_value |",
        "19 bytes extension_value |",
    ),
    "Payload": (
        "1 uint64 timestamp",
        "2 Metric metrics *",
        "3 uint64 seq",
        "4 string uuid",
        "5 bytes body",
    ),
}


class DataType(IntEnum):
    """Codes of the data types that a program can meet by name; arrays and sets are 16 to 34.

    Source: Sparkplug 3.0.0, chapter 6.4.16.
    """

    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15
    LAST = 34


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="greenpark/sparkplug.proto", package=_PACKAGE, syntax="proto2")
    for message, rows in _TABLE.items():
        described = file.message_type.add(name=message)
        for row in rows:
            number, kind, name, *marks = row.split()
            field = described.field.add(
                name=name,
                number=int(number),
                label=FieldDescriptorProto.LABEL_REPEATED
                if "*" in marks
                else FieldDescriptorProto.LABEL_OPTIONAL,
            )
            if kind[0].isupper():
                field.type = FieldDescriptorProto.TYPE_MESSAGE
                field.type_name = f".{_PACKAGE}.{kind}"
            else:
                field.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")
            if "|" in marks:
                field.oneof_index = 0
        if any(row.endswith("|") for row in rows):
            described.oneof_decl.add(name="value")
    return file


def _payload_class() -> Any:
    pool = DescriptorPool()
    pool.Add(_file())
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))


Payload: Any = _payload_class()
"""The message class; instances have the fields of the table."""
