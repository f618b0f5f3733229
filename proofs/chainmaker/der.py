"""The little DER that certificates and keys are made of, read strictly: one encoding for one value.

The usual X.509 libraries refuse SM2 keys, or warn and raise late on hostile input; this reader only ever refuses.
Source: ITU-T X.690 sections 8.1, 8.19 and 10.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from proofs.errors import MalformedProof

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT: Final = 0x06
SEQUENCE: Final = 0x30
SET: Final = 0x31
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
# UTF8String, PrintableString, IA5String: the texts that certificates of these chains carry.
TEXTS: Final = (0x0C, 0x13, 0x16)

_LENGTH_BYTES_MAX: Final = 3
_OBJECT_BYTES_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Element:
    """raw: with tag and length."""

    tag: int
    content: bytes
    raw: bytes


def read_element(data: bytes, position: int, part: str) -> tuple[Element, int]:
    """Return the element that starts at `position`, and where it ends. Raises MalformedProof."""
    if len(data) - position < 2:
        raise MalformedProof(part, got="truncated", expected="tag and length")
    tag, size = data[position], data[position + 1]
    check_tag_form(tag, part)
    start = position + 2
    if size > 0x7F:
        count = size & 0x7F
        digits = data[start : start + count]
        start += count
        check_long_length(digits, count, part)
        size = int.from_bytes(digits, "big")
    end = start + size
    if end > len(data):
        raise MalformedProof(part, got=size, expected=f"at most {len(data) - start} bytes")
    return Element(tag, data[start:end], data[position:end]), end


def read_only(data: bytes, tag: int, part: str) -> Element:
    """The one element that all of `data` is."""
    element, end = read_element(data, 0, part)
    check_tag(element, tag, part)
    if end != len(data):
        raise MalformedProof(part, got=len(data) - end, expected="no bytes after it")
    return element


def read_all(content: bytes, part: str, *, limit: int) -> tuple[Element, ...]:
    """The elements that `content` consists of, at most `limit`."""
    elements: list[Element] = []
    position = 0
    while position < len(content):
        if len(elements) == limit:
            raise MalformedProof(part, got=f"over {limit} elements", expected=f"at most {limit}")
        element, position = read_element(content, position, part)
        elements.append(element)
    return tuple(elements)


def read_sequence(element: Element, part: str, *, limit: int, tag: int = SEQUENCE) -> tuple[Element, ...]:
    check_tag(element, tag, part)
    return read_all(element.content, part, limit=limit)


def check_tag(element: Element, tag: int, part: str) -> None:
    """Where one kind of element stands, no other can."""
    if element.tag != tag:
        raise MalformedProof(part, got=f"tag {element.tag:02x}", expected=f"tag {tag:02x}")


def check_tag_form(tag: int, part: str) -> None:
    """Tags above 30 take more bytes; nothing in a certificate has one."""
    if tag & 0x1F == 0x1F:
        raise MalformedProof(part, got=f"tag {tag:02x}", expected="a tag of one byte")


def check_long_length(digits: bytes, count: int, part: str) -> None:
    """The short form below 128, and no leading zero: X.690 section 10.1."""
    is_shortest = bool(digits) and digits[0] != 0 and (count > 1 or digits[0] > 0x7F)
    if not 1 <= count <= _LENGTH_BYTES_MAX or len(digits) != count or not is_shortest:
        raise MalformedProof(part, got=f"length {digits[:8].hex()}", expected="the shortest definite length")


def read_object(element: Element, part: str) -> str:
    """An object identifier in dots."""
    check_tag(element, OBJECT, part)
    content = element.content
    if not 1 <= len(content) <= _OBJECT_BYTES_MAX or content[-1] > 0x7F:
        raise MalformedProof(part, got=content, expected="an object identifier")
    arcs: list[int] = []
    value = 0
    for byte in content:
        if value == 0 and byte == 0x80:
            raise MalformedProof(part, got=content, expected="arcs without leading zeros")
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(each) for each in (first, arcs[0] - 40 * first, *arcs[1:]))


def read_bits(element: Element, part: str) -> bytes:
    """A bit string of whole bytes."""
    check_tag(element, BIT_STRING, part)
    if element.content[:1] != b"\x00":
        raise MalformedProof(part, got=element.content[:1], expected="no unused bits")
    return element.content[1:]


def read_text(element: Element, part: str) -> str:
    if element.tag not in TEXTS:
        raise MalformedProof(part, got=f"tag {element.tag:02x}", expected="a text")
    try:
        return element.content.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedProof(part, got=element.content, expected="UTF-8") from None


def read_time(element: Element, part: str) -> int:
    """Unix seconds. RFC 5280 section 4.1.2.5: to the second, in Greenwich time."""
    digits = element.content[:-1]
    size = {UTC_TIME: 12, GENERALIZED_TIME: 14}.get(element.tag)
    if len(digits) != size or element.content[-1:] != b"Z" or not digits.isdigit():
        raise MalformedProof(part, got=element.content, expected="YYMMDDhhmmssZ or YYYYMMDDhhmmssZ")
    if element.tag == UTC_TIME:
        digits = (b"20" if digits < b"50" else b"19") + digits
    year = int(digits[:4])
    month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(4, 14, 2))
    try:
        return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError:
        raise MalformedProof(part, got=element.content, expected="a date") from None
