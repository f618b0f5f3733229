"""The fields of a bundle that no signature and no hash covers: they may say anything, and the verdict stays the same.

Nothing that a verdict says is taken from them. A test changes every byte of honest bundles and finds these, no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from proofs.bundle.types import Kind


@dataclass(frozen=True, slots=True)
class Uncovered:
    """field: dotted, as docs/bundle.md names it. why: what it is there for, or what stands in its place."""

    field: str
    why: str


def uncovered(family: str, kind: Kind) -> tuple[Uncovered, ...]:
    return _OF_KIND[kind] + _OF_FAMILY.get(family, ())


_ELSEWHERE: Final = "the packet's commitment holds it, which its bundle of kind receive proves"
_OF_KIND: Final[Mapping[Kind, tuple[Uncovered, ...]]] = {
    Kind.RECEIVE: (),
    Kind.ACKNOWLEDGE: (
        Uncovered("packet.source_client", _ELSEWHERE),
        Uncovered("packet.timeout_timestamp", _ELSEWHERE),
        Uncovered("packet.payloads", _ELSEWHERE),
    ),
    Kind.TIMEOUT: (
        Uncovered("packet.source_client", _ELSEWHERE),
        Uncovered("packet.timeout_timestamp", f"at most the time proved; {_ELSEWHERE}"),
        Uncovered("packet.payloads", _ELSEWHERE),
    ),
}

_OF_FAMILY: Final[Mapping[str, tuple[Uncovered, ...]]] = {
    "bitcoin": (Uncovered("evidence: the last header", "covered by its own work alone, until a block stands on it"),),
    "chainmaker": (
        Uncovered("evidence, proof: gas used by a transaction", "not in the transaction's hash"),
        Uncovered(
            "evidence: votes that are not needed",
            "more than two thirds are counted, the rest and the node's own count are not looked at",
        ),
    ),
    "cometbft": (
        Uncovered("evidence: votes that are not needed", "more than two thirds are counted, the rest not looked at"),
        Uncovered("evidence: proposer of a validator set", "like priorities and total power not in the set's hash"),
    ),
    "fisco-bcos": (
        Uncovered("proof: fields of later transaction versions", "not in the hash of a transaction of version 0"),
    ),
}
