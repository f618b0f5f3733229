"""Signers with keys, headers of every flavour sealed by them, and chains that are honest unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from coincurve import PrivateKey

from proofs.ethereum.execution import ExecutionHeader
from proofs.ethereum.storage_layout import RouterLayout
from proofs.merkle.patricia import EMPTY_ROOT
from proofs.poa.clique.predicates import VOTE_IN, VOTE_OUT, seal_hash
from proofs.poa.clique.types import NOBODY, Parameters
from proofs.poa.qbft.extra_data import (
    block_hash,
    commit_digest,
    decode_extra_data,
    encode_extra_data,
    proposal_digest,
)
from proofs.poa.qbft.predicates import BFT_MIX_DIGEST
from proofs.poa.qbft.types import ExtraData, Flavour
from proofs.poa.qbft.types import Parameters as BftParameters
from proofs.poa.rules import NO_OMMERS_HASH
from proofs.primitives import secp256k1

LAYOUT = RouterLayout(b"\x77" * 20, b"\x88" * 32)
START = 1_700_000_000
ORDER = secp256k1.ORDER


@dataclass(frozen=True, slots=True, order=True)
class Signer:
    address: bytes
    secret: bytes

    def seal(self, digest: bytes) -> bytes:
        """r‖s‖v over a digest, as nodes make it."""
        return PrivateKey(self.secret).sign_recoverable(digest, hasher=None)


def signer(name: str | int) -> Signer:
    secret = str(name).encode().rjust(32, b"\x01")
    return Signer(secp256k1.address_of(PrivateKey(secret).public_key.format(compressed=False)), secret)


def signers(count: int) -> list[Signer]:
    """Ascending by address, as the chain counts them."""
    return sorted(signer(number) for number in range(count))


def twin(seal: bytes) -> bytes:
    """The other signature that recovers to the same key: what a stranger can make of a seal."""
    s = int.from_bytes(seal[32:64], "big")
    return seal[:32] + (ORDER - s).to_bytes(32, "big") + bytes([seal[64] ^ 1])


def header(number: int, **changes: Any) -> ExecutionHeader:
    """A London header that is right in all that Clique, IBFT and QBFT have in common."""
    plain = ExecutionHeader(
        parent_hash=bytes(32),
        ommers_hash=NO_OMMERS_HASH,
        beneficiary=NOBODY,
        state_root=number.to_bytes(32, "big"),
        transactions_root=EMPTY_ROOT,
        receipts_root=EMPTY_ROOT,
        logs_bloom=bytes(256),
        difficulty=1,
        number=number,
        gas_limit=30_000_000,
        gas_used=0,
        timestamp=START + 5 * number,
        extra_data=b"",
        mix_hash=bytes(32),
        nonce=bytes(8),
        base_fee_per_gas=7,
    )
    return replace(plain, **changes)


PARAMETERS = Parameters(epoch_length=30_000, period=5, confirmations=4, trusting_period=86_400, clock_drift=10)


def listed(members: Sequence[Signer]) -> bytes:
    return b"".join(each.address for each in sorted(members))


def clique_genesis(members: Sequence[Signer], number: int = 0) -> ExecutionHeader:
    return header(number, extra_data=bytes(32) + listed(members) + bytes(65))


def clique_block(
    parent: ExecutionHeader, by: Signer, members: Sequence[Signer], *, checkpoint: bool = False, **changes: Any
) -> ExecutionHeader:
    """The child that `by` makes while `members` may sign. Whatever is changed is changed before sealing."""
    number = parent.number + 1
    ranked = sorted(members)
    in_turn = by in ranked and ranked.index(by) == number % len(ranked)
    body = listed(members) if checkpoint else b""
    defaults: dict[str, Any] = {
        "parent_hash": parent.hash(),
        "difficulty": 2 if in_turn else 1,
        "extra_data": bytes(32) + body + bytes(65),
        "timestamp": parent.timestamp + 5,
    }
    return clique_sealed(replace(header(number), **(defaults | changes)), by)


def clique_vote(*, by_in: bool, subject: bytes) -> dict[str, Any]:
    return {"beneficiary": subject, "nonce": VOTE_IN if by_in else VOTE_OUT}


def clique_sealed(unsealed: ExecutionHeader, by: Signer) -> ExecutionHeader:
    return replace(unsealed, extra_data=unsealed.extra_data[:-65] + by.seal(seal_hash(unsealed)))


def clique_chain(
    genesis: ExecutionHeader,
    members: Sequence[Signer],
    length: int,
    *,
    pick: Callable[[int, Sequence[Signer]], Signer] | None = None,
    recent: Sequence[Signer] = (),
    **changes: Any,
) -> list[ExecutionHeader]:
    """`length` blocks on `genesis` by signers that take turns, or that `pick` takes from those who may sign."""
    headers, last, done = [], genesis, list(recent)
    ranked = sorted(members)
    for number in range(genesis.number + 1, genesis.number + 1 + length):
        waiting = done[len(done) - len(ranked) // 2 :] if len(ranked) // 2 else []
        free = [each for each in ranked if each not in waiting]
        by = pick(number, free) if pick else ranked[number % len(ranked)]
        last = clique_block(last, by, members, checkpoint=number % PARAMETERS.epoch_length == 0, **changes)
        headers.append(last)
        done.append(by)
    return headers


BFT_PARAMETERS = BftParameters(Flavour.QBFT, epoch_length=30_000, trusting_period=86_400, clock_drift=10)


def bft_genesis(members: Sequence[Signer], flavour: Flavour = Flavour.QBFT, **changes: Any) -> ExecutionHeader:
    extra = ExtraData(bytes(32), addresses(members), None, 0, b"", ())
    plain = header(0, mix_hash=BFT_MIX_DIGEST, extra_data=encode_extra_data(extra, flavour))
    return replace(plain, **changes)


def addresses(members: Sequence[Signer]) -> tuple[bytes, ...]:
    return tuple(each.address for each in sorted(members))


@dataclass(frozen=True, slots=True)
class Sealing:
    """How a block is sealed: all that a test may want to have wrong. named: the validators in extra data."""

    flavour: Flavour
    named: tuple[bytes, ...]
    by: tuple[Signer, ...]
    proposer: Signer
    vote: tuple[bytes, bool] | None = None
    round: int = 0


def bft_header(number: int, sealing: Sealing, **changes: Any) -> ExecutionHeader:
    """A header with real seals; whatever is changed is changed before sealing."""
    votes: dict[str, Any] = {}
    if sealing.flavour.is_istanbul and sealing.vote is not None:
        votes = {"beneficiary": sealing.vote[0], "nonce": VOTE_IN if sealing.vote[1] else VOTE_OUT}
    elif not sealing.flavour.is_istanbul:
        votes = {"beneficiary": sealing.proposer.address}
    unsealed = replace(header(number, mix_hash=BFT_MIX_DIGEST), **(votes | changes))
    return bft_sealed(unsealed, sealing)


def bft_sealed(unsealed: ExecutionHeader, sealing: Sealing) -> ExecutionHeader:
    flavour = sealing.flavour
    vote = None if flavour.is_istanbul else sealing.vote
    extra = ExtraData(bytes(32), sealing.named, vote, sealing.round, b"", ())
    if flavour.is_istanbul:
        extra = replace(extra, proposer_seal=sealing.proposer.seal(proposal_digest(unsealed, extra)))
    digest = commit_digest(unsealed, extra, flavour)
    extra = replace(extra, seals=tuple(each.seal(digest) for each in sealing.by))
    return replace(unsealed, extra_data=encode_extra_data(extra, flavour))


def bft_hash(sealed: ExecutionHeader, flavour: Flavour = Flavour.QBFT) -> bytes:
    return block_hash(sealed, decode_extra_data(sealed.extra_data, flavour), flavour)


def bft_block(
    parent: ExecutionHeader,
    members: Sequence[Signer],
    *,
    flavour: Flavour = Flavour.QBFT,
    by: Sequence[Signer] | None = None,
    vote: tuple[bytes, bool] | None = None,
    proposer: Signer | None = None,
    named: tuple[bytes, ...] | None = None,
    round_number: int = 0,
    **changes: Any,
) -> ExecutionHeader:
    """The child that a quorum of `members` seals, or `by`."""
    number = parent.number + 1
    ranked = sorted(members)
    sealing = Sealing(
        flavour,
        addresses(members) if named is None else named,
        tuple(ranked[: flavour.quorum(len(ranked))] if by is None else by),
        proposer or ranked[number % len(ranked)],
        vote,
        round_number,
    )
    return bft_header(number, sealing, **({"parent_hash": bft_hash(parent, flavour)} | changes))
