"""What a header must be like before anybody's signature counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from proofs.errors import DuplicateSigner, LimitExceeded, MalformedProof, UnsupportedProof, ValueMismatch
from proofs.fisco_bcos.types import SealerSet

# Consortium chains have a few dozen; rPBFT lets only a part of many seal. Bounds the signatures of one block.
SEALERS_MAX: Final = 256
# Exact here; nodes add weights up in 64 bits.
TOTAL_WEIGHT_MAX: Final = (1 << 63) - 1

_DECIMAL: Final = re.compile(r"(?:0|[1-9][0-9]{0,77})\Z")
# Year 10,000. It also keeps the first byte of the hashed time zero, which no decimal digit is.
_TIME_MAX: Final = 253_402_300_800_000


def read_ascii(data: bytes, part: str) -> str:
    """Raises MalformedProof."""
    if not data.isascii():
        raise MalformedProof(part, got=data, expected="ASCII text")
    return data.decode("ascii")


def check_header_version(version: int) -> None:
    """An int32 of the protocol; 0 and negative ones never existed."""
    if not 0 < version < 1 << 31:
        raise MalformedProof("header version", got=version, expected="1 to 2^31 - 1")


def check_one_parent(parents: Sequence[tuple[int, bytes]], number: int) -> None:
    """PBFT builds on one block. The list is hashed without its length: a second parent could be read into it."""
    if len(parents) != 1:
        raise MalformedProof("parents", got=len(parents), expected=1)
    if parents[0][0] != number - 1:
        raise ValueMismatch("parent number", got=parents[0][0], expected=number - 1)


def check_gas_text(gas_used: str) -> None:
    """Hashed as text without its length: digits only, and only one way to write a number."""
    if not _DECIMAL.match(gas_used):
        raise MalformedProof("gas used", got=gas_used, expected="a decimal number of up to 78 digits")


def check_no_extra_data(extra_data: bytes) -> None:
    """Only the genesis block has any. It is hashed between sealers and weights, where it could swallow some of both."""
    if extra_data:
        raise UnsupportedProof("extra data", got=extra_data, expected="none")


def check_weight_count(sealers: Sequence[bytes], weights: Sequence[int]) -> None:
    """Each sealer has one weight. With it the number of sealers follows from the length of what is hashed."""
    if len(weights) != len(sealers):
        raise MalformedProof("weights", got=len(weights), expected=len(sealers))


def check_sealers(sealers: SealerSet) -> None:
    """Somebody seals; nobody twice, as a key with two places would have two votes; everybody with some weight."""
    if not sealers.keys:
        raise MalformedProof("sealers", got=0, expected="at least 1")
    if len(sealers.keys) > SEALERS_MAX:
        raise LimitExceeded("sealers", got=len(sealers.keys), limit=SEALERS_MAX)
    seen: set[bytes] = set()
    for key, weight in zip(sealers.keys, sealers.weights, strict=True):
        if key in seen:
            raise DuplicateSigner(key)
        seen.add(key)
        if weight < 1:
            raise MalformedProof("weight", got=weight, expected="at least 1")
    if sealers.total_weight > TOTAL_WEIGHT_MAX:
        raise LimitExceeded("total weight", got=sealers.total_weight, limit=TOTAL_WEIGHT_MAX)


def check_proposer(sealer: int, sealers: SealerSet) -> None:
    """The header names its proposer by his place in the list."""
    if sealer >= len(sealers.keys):
        raise MalformedProof("proposer", got=sealer, expected=f"below {len(sealers.keys)}")


def check_time(time_ms: int) -> None:
    """Milliseconds, and a year of four digits: anything above is another unit."""
    if time_ms >= _TIME_MAX:
        raise MalformedProof("time", got=time_ms, expected=f"below {_TIME_MAX} milliseconds")
