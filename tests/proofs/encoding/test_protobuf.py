"""The strict protobuf reader, beside Google's library as an oracle for what is well-formed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.encoding import protobuf as pb
from proofs.errors import LimitExceeded, MalformedProof
from tests.proofs.fuzzing import assert_only_refusals


@dataclass(frozen=True, slots=True)
class Child:
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Parent:
    count: int
    signed: int
    small: int
    flag: bool
    fixed: int
    sfixed: int
    child: Child | None
    children: tuple[Child, ...]
    items: tuple[bytes, ...]
    numbers: tuple[int, ...]
    far: bytes
    choice: bytes | None


CHILD = pb.Message("Child", Child, [pb.Field(1, "name", pb.STRING), pb.Field(2, "data", pb.BYTES)])
PARENT = pb.Message(
    "Parent",
    Parent,
    [
        pb.Field(1, "count", pb.UINT64),
        pb.Field(2, "signed", pb.INT64),
        pb.Field(3, "small", pb.INT32),
        pb.Field(4, "flag", pb.BOOL),
        pb.Field(5, "fixed", pb.FIXED64),
        pb.Field(6, "sfixed", pb.SFIXED64),
        pb.Field(7, "child", CHILD),
        pb.Field(8, "children", CHILD, repeated=True),
        pb.Field(9, "items", pb.BYTES, repeated=True, limit=20),
        pb.Field(10, "numbers", pb.INT32, repeated=True, limit=20),
        pb.Field(1000, "far", pb.BYTES),
        pb.Field(12, "choice", pb.BYTES, optional=True),
    ],
)


def oracle_class() -> Any:
    proto = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="oracle.proto", package="oracle", syntax="proto3")
    child = file.message_type.add(name="Child")
    child.field.add(name="name", number=1, type=proto.TYPE_STRING, label=proto.LABEL_OPTIONAL)
    child.field.add(name="data", number=2, type=proto.TYPE_BYTES, label=proto.LABEL_OPTIONAL)
    parent = file.message_type.add(name="Parent")
    for number, name, kind, label in (
        (1, "count", proto.TYPE_UINT64, proto.LABEL_OPTIONAL),
        (2, "signed", proto.TYPE_INT64, proto.LABEL_OPTIONAL),
        (3, "small", proto.TYPE_INT32, proto.LABEL_OPTIONAL),
        (4, "flag", proto.TYPE_BOOL, proto.LABEL_OPTIONAL),
        (5, "fixed", proto.TYPE_FIXED64, proto.LABEL_OPTIONAL),
        (6, "sfixed", proto.TYPE_SFIXED64, proto.LABEL_OPTIONAL),
        (7, "child", proto.TYPE_MESSAGE, proto.LABEL_OPTIONAL),
        (8, "children", proto.TYPE_MESSAGE, proto.LABEL_REPEATED),
        (9, "items", proto.TYPE_BYTES, proto.LABEL_REPEATED),
        (10, "numbers", proto.TYPE_INT32, proto.LABEL_REPEATED),
        (1000, "far", proto.TYPE_BYTES, proto.LABEL_OPTIONAL),
        (12, "choice", proto.TYPE_BYTES, proto.LABEL_OPTIONAL),
    ):
        field = parent.field.add(name=name, number=number, type=kind, label=label)
        if kind == proto.TYPE_MESSAGE:
            field.type_name = ".oracle.Child"
    parent.oneof_decl.add(name="_choice")
    choice = next(field for field in parent.field if field.name == "choice")
    choice.proto3_optional = True
    choice.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("oracle.Parent"))


ORACLE = oracle_class()

children = st.builds(Child, st.text(max_size=5), st.binary(max_size=200))
parents = st.builds(
    Parent,
    st.integers(0, 2**64 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**31), 2**31 - 1),
    st.booleans(),
    st.integers(0, 2**64 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.none() | children,
    st.lists(children, max_size=3).map(tuple),
    st.lists(st.binary(max_size=5), max_size=3).map(tuple),
    st.lists(st.integers(-(2**31), 2**31 - 1), max_size=5).map(tuple),
    st.binary(max_size=5),
    st.none() | st.binary(max_size=5),
)


def by_oracle(parent: Parent) -> bytes:
    message = ORACLE(
        count=parent.count,
        signed=parent.signed,
        small=parent.small,
        flag=parent.flag,
        fixed=parent.fixed,
        sfixed=parent.sfixed,
        children=[{"name": each.name, "data": each.data} for each in parent.children],
        items=parent.items,
        numbers=parent.numbers,
        far=parent.far,
    )
    if parent.child is not None:
        message.child.SetInParent()
        message.child.name, message.child.data = parent.child.name, parent.child.data
    if parent.choice is not None:
        message.choice = parent.choice
    return bytes(message.SerializeToString(deterministic=True))


def child_bytes(child: Child) -> bytes:
    return pb.string_field(1, child.name) + pb.bytes_field(2, child.data)


def by_us(parent: Parent) -> bytes:
    return b"".join(
        (
            pb.varint_field(1, parent.count),
            pb.varint_field(2, parent.signed),
            pb.varint_field(3, parent.small),
            pb.varint_field(4, parent.flag),
            pb.sfixed64_field(5, parent.fixed),
            pb.sfixed64_field(6, parent.sfixed),
            b"" if parent.child is None else pb.message_field(7, child_bytes(parent.child)),
            pb.repeated_bytes_field(8, map(child_bytes, parent.children)),
            pb.repeated_bytes_field(9, parent.items),
            pb.packed_field(10, parent.numbers),
            b"" if parent.choice is None else pb.message_field(12, parent.choice),
            pb.bytes_field(1000, parent.far),
        )
    )


@settings(derandomize=True, database=None, max_examples=200, deadline=None)
@given(parents)
def test_what_the_library_writes_we_read_and_write_alike(parent: Parent) -> None:
    encoded = by_oracle(parent)
    assert pb.decode(encoded, PARENT, part="t", canonical=True) == parent
    assert by_us(parent) == encoded


@settings(derandomize=True, database=None, max_examples=300, deadline=None)
@given(parents, st.data())
def test_what_we_accept_the_library_reads_alike(parent: Parent, data: st.DataObject) -> None:
    """Strictness may refuse more, never read anything else: a changed byte gives one meaning or a refusal."""
    encoded = bytearray(by_oracle(parent) or b"\x08\x01")
    encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    try:
        ours = pb.decode(bytes(encoded), PARENT, part="t")
    except (MalformedProof, LimitExceeded):
        return
    try:
        theirs = ORACLE.FromString(bytes(encoded))
    except DecodeError as refusal:
        raise AssertionError(f"accepted what the library refuses: {encoded.hex()}") from refusal
    assert ours.count == theirs.count
    assert ours.signed == theirs.signed
    assert ours.numbers == tuple(theirs.numbers)
    assert ours.items == tuple(theirs.items)
    assert (ours.child is not None) == theirs.HasField("child")
    assert (ours.choice is not None) == theirs.HasField("choice")
    assert [each.name for each in ours.children] == [each.name for each in theirs.children]


REFUSED: dict[str, tuple[str, str]] = {
    "unknown field": ("5801", "t Parent"),
    "unknown field in a nested message": ("3a021801", "t Child"),
    "wrong wire type": ("0a0100", "t Parent.count"),
    "group": ("0b0c", "t Parent.count"),
    "varint longer than needed": ("088100", "t Parent"),
    "zero varint longer than needed": ("088000", "t Parent"),
    "tag longer than needed": ("888000" + "01", "t Parent"),
    "length longer than needed": ("4a8100" + "00", "t Parent"),
    "varint over 64 bits": ("08ffffffffffffffffff02", "t Parent"),
    "varint over ten bytes": ("0880808080808080808080" + "01", "t Parent"),
    "truncated varint": ("0880", "t Parent"),
    "missing varint": ("08", "t Parent"),
    "missing length": ("4a", "t Parent"),
    "length beyond the end": ("4a0200", "t Parent.items"),
    "length beyond the nested message": ("3a02" + "0a01", "t Child.name"),
    "truncated fixed64": ("2900000000000000", "t Parent.fixed"),
    "int32 above its range": ("1880808080" + "08", "t Parent.small"),
    "uint above bool": ("2002", "t Parent.flag"),
    "invalid text": ("3a030a01ff", "t Child.name"),
    "singular twice": ("08010802", "t Parent.count"),
    "nested singular twice": ("3a003a00", "t Parent.child"),
    "packed twice": ("52010152" + "0101", "t Parent.numbers"),
    "packed beyond int32": ("5205" + "8080808008", "t Parent.numbers"),
    "unpacked numbers": ("5001", "t Parent.numbers"),
    "field number 0": ("0001", "t Parent"),
}


@pytest.mark.parametrize("corruption", REFUSED)
def test_refused(corruption: str) -> None:
    data, part = REFUSED[corruption]
    with pytest.raises(MalformedProof) as refusal:
        pb.decode(bytes.fromhex(data), PARENT, part="t")
    assert refusal.value.part == part


NOT_CANONICAL = {
    "fields out of order": "10010801",
    "repeated field torn apart": "4a000801",
    "default written out": "0800",
    "empty bytes written out": "c23e00",
    "empty packed list": "5200",
}


@pytest.mark.parametrize("form", NOT_CANONICAL)
def test_only_the_canonical_reader_refuses(form: str) -> None:
    data = bytes.fromhex(NOT_CANONICAL[form])
    pb.decode(data, PARENT, part="t")
    with pytest.raises(MalformedProof):
        pb.decode(data, PARENT, part="t", canonical=True)


def test_a_repeated_field_over_its_limit_is_refused_with_the_first_item_too_many() -> None:
    data = pb.repeated_bytes_field(9, [b""] * 21)
    with pytest.raises(LimitExceeded) as refusal:
        pb.decode(data, PARENT, part="t")
    assert (refusal.value.part, refusal.value.got, refusal.value.limit) == ("t Parent.items", 21, 20)
    with pytest.raises(LimitExceeded):
        pb.decode(pb.packed_field(10, [1] * 21), PARENT, part="t")


def test_a_required_field_is_missed() -> None:
    schema = pb.Message("M", Child, [pb.Field(1, "name", pb.STRING), pb.Field(2, "data", pb.BYTES, required=True)])
    with pytest.raises(MalformedProof) as refusal:
        pb.decode(b"", schema, part="t")
    assert (refusal.value.part, refusal.value.got) == ("t M.data", "absent")


@pytest.mark.parametrize("value", (-(2**63) - 1, 2**64))
def test_numbers_that_fit_no_field_are_not_written(value: int) -> None:
    with pytest.raises(MalformedProof):
        pb.varint_field(1, value)
    with pytest.raises(MalformedProof):
        pb.sfixed64_field(1, value)


def test_hostile_bytes_give_only_refusals() -> None:
    child = Child("name", b"data" * 40)
    parent = Parent(1, -1, -5, True, 7, -7, child, (child, child), (b"", b"x"), (1, -1), b"far", b"")
    assert_only_refusals(lambda data: pb.decode(data, PARENT, part="t"), [by_us(parent)], 3_000)
