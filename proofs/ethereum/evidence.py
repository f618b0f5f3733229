"""What may advance an Ethereum client: one light-client object, as a beacon node serves it, behind two bytes.

    kind (1 update, 2 finality update, 3 optimistic update) ‖ fork (proofs.ethereum.forks.Fork) ‖ SSZ of that fork

Beacon nodes answer with SSZ and name the fork in a header of the answer; a fork digest would not name it alone, because
fulu mixes its blob schedule into it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from proofs.encoding.ssz import Container
from proofs.errors import LimitExceeded, MalformedProof, UnsupportedProof, WrongLedger
from proofs.ethereum.containers import containers_of
from proofs.ethereum.forks import Chain, Fork
from proofs.ethereum.types import Bootstrap, Update

# An update holds one committee of 512 keys, 25 kB, and two headers of at most 900 bytes each; 4,096 keys are 200 kB.
EVIDENCE_BYTES_MAX: Final = 256 << 10


class EvidenceKind(IntEnum):
    UPDATE = 1
    FINALITY_UPDATE = 2
    OPTIMISTIC_UPDATE = 3


def encode_evidence(kind: EvidenceKind, fork: Fork, ssz: bytes) -> bytes:
    return bytes([kind, fork]) + ssz


def decode_evidence(evidence: bytes, chain: Chain) -> Update:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof, WrongLedger."""
    check_evidence_size(evidence)
    kind, fork = _kind_of(evidence[0]), fork_of(evidence[1])
    update = _container(kind, fork, chain).decode(evidence[2:])
    check_fork_of_slot(fork, update.attested_header.beacon.slot, chain)
    return update


def decode_bootstrap(ssz: bytes, fork: Fork, chain: Chain) -> Bootstrap:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof, WrongLedger."""
    check_evidence_size(ssz)
    bootstrap = containers_of(fork, chain.preset).bootstrap.decode(ssz)
    check_fork_of_slot(fork, bootstrap.header.beacon.slot, chain)
    return bootstrap


def check_evidence_size(evidence: bytes) -> None:
    """Room for one object and no more, before anything is read."""
    if len(evidence) > EVIDENCE_BYTES_MAX:
        raise LimitExceeded("evidence bytes", got=len(evidence), limit=EVIDENCE_BYTES_MAX)
    if len(evidence) < 2:
        raise MalformedProof("evidence bytes", got=len(evidence), expected="at least 2")


def check_fork_of_slot(fork: Fork, slot: int, chain: Chain) -> None:
    """An object is encoded as the fork of its attested slot does: or one update would have many encodings."""
    if fork is not chain.fork_at(slot):
        raise WrongLedger("fork", got=fork.name.lower(), expected=chain.fork_at(slot).name.lower())


def fork_of(number: int) -> Fork:
    if number not in tuple(Fork):
        raise UnsupportedProof("fork", got=number, expected="a fork up to fulu")
    return Fork(number)


def _kind_of(number: int) -> EvidenceKind:
    if number not in tuple(EvidenceKind):
        raise UnsupportedProof("evidence kind", got=number, expected="1, 2 or 3")
    return EvidenceKind(number)


def _container(kind: EvidenceKind, fork: Fork, chain: Chain) -> Container[Update]:
    containers = containers_of(fork, chain.preset)
    match kind:
        case EvidenceKind.UPDATE:
            return containers.update
        case EvidenceKind.FINALITY_UPDATE:
            return containers.finality_update
        case EvidenceKind.OPTIMISTIC_UPDATE:
            return containers.optimistic_update
