"""Extra data of QBFT, IBFT 2 and Istanbul: one strict form each, and the hashes that leave parts of it out.

              extra data                                                     left out when named    when sealed
    QBFT      [vanity, validators, vote or [], round, seals]                 round (0), seals ([])  seals ([])
    IBFT 2    [vanity, validators, vote or nothing, round (4 bytes), seals]  round and seals        seals, absent
    Istanbul  vanity (32) ‖ [validators, proposer's seal, seals]             seals ([])             seals ([])

Source: EIP-650; Besu documentation "QBFT/IBFT 2.0: extra data"; Enterprise Ethereum Alliance, QBFT blockchain
consensus protocol specification v1, section on block headers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proofs.encoding import rlp
from proofs.encoding.rlp import Encodable, Item
from proofs.errors import LimitExceeded, MalformedProof
from proofs.ethereum.execution import ExecutionHeader
from proofs.poa.headers import hash_with_extra
from proofs.poa.qbft.types import ExtraData, Flavour
from proofs.poa.votes import ADDRESS_BYTES, MEMBERS_MAX, check_member_count
from proofs.primitives.hashing import keccak256

VANITY_BYTES: Final = 32
SEAL_BYTES: Final = 65
_ROUND_BYTES: Final = 4
# The lists of validators and seals, and the few items around them.
_ITEMS_MAX: Final = 2 * MEMBERS_MAX + 16
_VOTE_IN: Final = b"\xff"
# Besu writes the vote to drop as a byte in IBFT 2 and as a number in QBFT.
_VOTE_OUT: Final = {Flavour.IBFT2: b"\x00", Flavour.QBFT: b""}
# Istanbul's message code of a commit: a seal speaks about the block and about what is said of it.
_COMMIT: Final = b"\x02"


def decode_extra_data(extra_data: bytes, flavour: Flavour) -> ExtraData:
    """Raises MalformedProof, LimitExceeded."""
    if flavour.is_istanbul:
        return _decode_istanbul(extra_data)
    items = rlp.as_list(rlp.decode(extra_data, depth_limit=2, item_limit=_ITEMS_MAX), "extra data", count=5)
    vanity, validators, vote, round_number, seals = items
    return ExtraData(
        _read_vanity(vanity),
        _read_validators(validators),
        _read_vote(vote, flavour),
        _read_round(round_number, flavour),
        b"",
        _read_seals(seals),
    )


def _decode_istanbul(extra_data: bytes) -> ExtraData:
    check_vanity_stands_first(extra_data)
    decoded = rlp.decode(extra_data[VANITY_BYTES:], depth_limit=2, item_limit=_ITEMS_MAX)
    validators, proposer_seal, seals = rlp.as_list(decoded, "extra data", count=3)
    proposer_seal = rlp.as_bytes(proposer_seal, "proposer seal")
    check_proposer_seal_length(proposer_seal)
    vanity = extra_data[:VANITY_BYTES]
    return ExtraData(vanity, _read_validators(validators), None, 0, proposer_seal, _read_seals(seals))


def check_vanity_stands_first(extra_data: bytes) -> None:
    """EIP-650: Istanbul's extra data begins with 32 bytes that mean nothing."""
    if len(extra_data) < VANITY_BYTES:
        raise MalformedProof("extra data", got=len(extra_data), expected=f"at least {VANITY_BYTES} bytes")


def check_proposer_seal_length(seal: bytes) -> None:
    """A proposer's seal is a signature; the genesis block has none."""
    if len(seal) not in (0, SEAL_BYTES):
        raise MalformedProof("proposer seal", got=len(seal), expected=f"0 or {SEAL_BYTES}")


def check_vanity_length(vanity: bytes) -> None:
    """Besu and Quorum write 32 bytes or none: nobody writes more."""
    if len(vanity) > VANITY_BYTES:
        raise MalformedProof("vanity", got=len(vanity), expected=f"at most {VANITY_BYTES}")


def check_vote_type(kind: bytes, vote_out: bytes) -> None:
    """A vote is for one of two things, each in one form. vote_out: the form of the flavour."""
    if kind not in (_VOTE_IN, vote_out):
        raise MalformedProof("vote type", got=kind, expected=f"ff or {vote_out.hex() or 'nothing'}")


def check_seals_fit(count: int) -> None:
    """No block has more seals than a chain may have validators."""
    if count > MEMBERS_MAX:
        raise LimitExceeded("seals", got=count, limit=MEMBERS_MAX)


def _read_vanity(item: Item) -> bytes:
    vanity = rlp.as_bytes(item, "vanity")
    check_vanity_length(vanity)
    return vanity


def _read_validators(item: Item) -> tuple[bytes, ...]:
    validators = rlp.as_list(item, "validators")
    check_member_count(len(validators))
    return tuple(rlp.as_bytes(each, "validator", length=ADDRESS_BYTES) for each in validators)


def _read_vote(item: Item, flavour: Flavour) -> tuple[bytes, bool] | None:
    if item == ([] if flavour is Flavour.QBFT else b""):
        return None
    subject, kind = rlp.as_list(item, "vote", count=2)
    kind = rlp.as_bytes(kind, "vote type")
    check_vote_type(kind, _VOTE_OUT[flavour])
    return rlp.as_bytes(subject, "subject of a vote", length=ADDRESS_BYTES), kind == _VOTE_IN


def _read_round(item: Item, flavour: Flavour) -> int:
    if flavour is Flavour.QBFT:
        return rlp.as_int(item, "round", bits=8 * _ROUND_BYTES)
    return int.from_bytes(rlp.as_bytes(item, "round", length=_ROUND_BYTES), "big")


def _read_seals(item: Item) -> tuple[bytes, ...]:
    seals = rlp.as_list(item, "seals")
    check_seals_fit(len(seals))
    return tuple(rlp.as_bytes(each, "seal", length=SEAL_BYTES) for each in seals)


def encode_extra_data(extra: ExtraData, flavour: Flavour) -> bytes:
    """The one form: what was decoded encodes to the same bytes."""
    if flavour.is_istanbul:
        return _istanbul(extra, extra.proposer_seal, extra.seals)
    return rlp.encode([*_head(extra, flavour), _round(extra.round, flavour), extra.seals])


def block_hash(header: ExecutionHeader, extra: ExtraData, flavour: Flavour) -> bytes:
    """The name of the block: each node may keep other seals, and a later round the same block."""
    if flavour.is_istanbul:
        return hash_with_extra(header, _istanbul(extra, extra.proposer_seal, ()))
    rest: list[Encodable] = [b"", []] if flavour is Flavour.QBFT else []
    return hash_with_extra(header, rlp.encode([*_head(extra, flavour), *rest]))


def commit_digest(header: ExecutionHeader, extra: ExtraData, flavour: Flavour) -> bytes:
    """What a committed seal signs: the block, and the round in which it was agreed on."""
    if flavour.is_istanbul:
        return keccak256(block_hash(header, extra, flavour) + _COMMIT)
    rest: list[Encodable] = [[]] if flavour is Flavour.QBFT else []
    return hash_with_extra(header, rlp.encode([*_head(extra, flavour), _round(extra.round, flavour), *rest]))


def proposal_digest(header: ExecutionHeader, extra: ExtraData) -> bytes:
    """What Istanbul's proposer signs: the hash of the header without any seal, hashed once more."""
    return keccak256(hash_with_extra(header, _istanbul(extra, b"", ())))


def _head(extra: ExtraData, flavour: Flavour) -> list[Encodable]:
    vote: Encodable
    if extra.vote is None:
        vote = [] if flavour is Flavour.QBFT else b""
    else:
        subject, authorize = extra.vote
        vote = [subject, _VOTE_IN if authorize else _VOTE_OUT[flavour]]
    return [extra.vanity, extra.validators, vote]


def _round(number: int, flavour: Flavour) -> bytes:
    return rlp.int_bytes(number) if flavour is Flavour.QBFT else number.to_bytes(_ROUND_BYTES, "big")


def _istanbul(extra: ExtraData, proposer_seal: bytes, seals: Sequence[bytes]) -> bytes:
    return extra.vanity + rlp.encode([extra.validators, proposer_seal, seals])
