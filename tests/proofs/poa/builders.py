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
) -> list[ExecutionHeader]:
    """`length` blocks on `genesis` by signers that take turns, or that `pick` takes from those who may sign."""
    headers, last, done = [], genesis, list(recent)
    ranked = sorted(members)
    for number in range(genesis.number + 1, genesis.number + 1 + length):
        waiting = done[len(done) - len(ranked) // 2 :] if len(ranked) // 2 else []
        free = [each for each in ranked if each not in waiting]
        by = pick(number, free) if pick else ranked[number % len(ranked)]
        last = clique_block(last, by, members, checkpoint=number % PARAMETERS.epoch_length == 0)
        headers.append(last)
        done.append(by)
    return headers
