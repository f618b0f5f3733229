"""PEM, as members and roots are written in configurations and votes: one block, or a few, and nothing around them."""

from __future__ import annotations

import binascii
from typing import Final

from proofs.errors import LimitExceeded, MalformedProof

# A certificate of these chains takes 1 KiB, a chain of them 4.
PEM_BYTES_MAX: Final = 1 << 16


def read_pem(text: bytes, label: str) -> bytes:
    """The DER of exactly one block. Raises MalformedProof, LimitExceeded."""
    blocks = read_pem_blocks(text, label)
    if len(blocks) != 1:
        raise MalformedProof(f"PEM {label}", got=f"{len(blocks)} blocks", expected="one")
    return blocks[0]


def read_pem_blocks(text: bytes, label: str) -> tuple[bytes, ...]:
    """The DER of every block. Raises MalformedProof for anything between or around them, LimitExceeded."""
    if len(text) > PEM_BYTES_MAX:
        raise LimitExceeded(f"PEM {label}", got=len(text), limit=PEM_BYTES_MAX)
    head, tail = f"-----BEGIN {label}-----".encode(), f"-----END {label}-----".encode()
    *blocks, rest = text.replace(b"\r\n", b"\n").split(tail)
    if rest.strip(b"\n") or not blocks:
        raise MalformedProof(f"PEM {label}", got=rest[:32], expected="blocks, nothing around them")
    return tuple(_body(block, head, label) for block in blocks)


def _body(block: bytes, head: bytes, label: str) -> bytes:
    text = block.lstrip(b"\n")
    if not text.startswith(head + b"\n"):
        raise MalformedProof(f"PEM {label}", got=text[:32], expected=head)
    try:
        return binascii.a2b_base64(text[len(head) :].replace(b"\n", b""), strict_mode=True)
    except binascii.Error:
        raise MalformedProof(f"PEM {label}", got=text[len(head) : len(head) + 32], expected="base64") from None
