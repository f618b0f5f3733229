"""What a ChainMaker chain signs and what a light client is told: plain values, without rules.

Texts of transactions stay bytes: Go does not ask whether they are UTF-8. Times are unix seconds, as the chain has them.
The rules are in predicates.py, the order in which they apply in spec.py, the bytes in messages.py and evidence.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


class MemberType(IntEnum):
    CERT = 0
    CERT_HASH = 1
    PUBLIC_KEY = 2


@dataclass(frozen=True, slots=True)
class Member:
    """Who signed. info: a certificate or a key in PEM, or the hash of a certificate's DER."""

    org_id: str
    type: int
    info: bytes


@dataclass(frozen=True, slots=True)
class Endorsement:
    signer: Member
    signature: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """encoded: the bytes it was decoded from."""

    version: int
    type: int
    chain_id: str
    height: int
    hash: bytes
    previous_hash: bytes
    config_height: int
    transaction_count: int
    transaction_root: bytes
    dag_hash: bytes
    write_root: bytes
    time: int
    consensus_args: bytes
    proposer: Member | None
    signature: bytes
    encoded: bytes = field(repr=False, default=b"")


@dataclass(frozen=True, slots=True)
class Vote:
    type: int
    voter: str
    height: int
    round: int
    hash: bytes
    endorsement: Endorsement
    invalid_transactions: tuple[bytes, ...]
    encoded: bytes = field(repr=False, default=b"")


@dataclass(frozen=True, slots=True)
class VoteSet:
    """votes: by the key under which the message keeps them."""

    type: int
    height: int
    round: int
    votes: tuple[tuple[str, Vote], ...]


@dataclass(frozen=True, slots=True)
class Payload:
    chain_id: bytes
    type: int
    id: bytes
    contract: bytes
    method: bytes


@dataclass(frozen=True, slots=True)
class ContractEvent:
    topic: bytes
    transaction_id: bytes
    contract: bytes
    contract_version: bytes
    data: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ContractResult:
    code: int
    result: bytes
    events: tuple[ContractEvent, ...]


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    contract_result: ContractResult | None
    write_set_hash: bytes


@dataclass(frozen=True, slots=True)
class Transaction:
    payload: Payload
    sender: Endorsement | None
    endorsers: tuple[Endorsement, ...]
    result: Result
    encoded: bytes = field(repr=False, default=b"")


@dataclass(frozen=True, slots=True)
class Write:
    key: bytes
    value: bytes
    contract: bytes


@dataclass(frozen=True, slots=True)
class WriteSet:
    """What one transaction wrote. Its reads are hashed too, but prove nothing."""

    transaction_id: bytes
    writes: tuple[Write, ...]


@dataclass(frozen=True, slots=True)
class Organisation:
    """Whose nodes vote: node ids of one organisation."""

    id: str
    node_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrustRoot:
    """The certificates (or, without certificates, the administrators' keys) of one organisation, in PEM."""

    org_id: str
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrustMember:
    """One member that is known by its exact bytes, without a chain."""

    info: str
    org_id: str
    role: str
    node_id: str


@dataclass(frozen=True, slots=True)
class ChainConfig:
    """A chain's whole configuration, as far as it decides who signs. encoded: the bytes it was decoded from."""

    chain_id: str
    version: str
    auth_type: str
    sequence: int
    hash_name: str
    consensus_type: int
    organisations: tuple[Organisation, ...]
    trust_roots: tuple[TrustRoot, ...]
    trust_members: tuple[TrustMember, ...]
    encoded: bytes = field(repr=False, default=b"")


@dataclass(frozen=True, slots=True)
class EvidenceBlock:
    """One block of a step. first: its first transaction with the path to the root. votes: where they are asked for."""

    header: Header
    first: Transaction
    path: tuple[bytes, ...]
    votes: VoteSet | None


@dataclass(frozen=True, slots=True)
class Step:
    """Consecutive blocks of which the last is voted. certificates: DER, for members that are only named by a hash."""

    blocks: tuple[EvidenceBlock, ...]
    certificates: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsensusState:
    """Belief about one block. config_height: of the block whose configuration the *next* block is signed under."""

    number: int
    hash: bytes
    time: int
    transaction_root: bytes
    transaction_count: int
    version: int
    config_height: int


@dataclass(frozen=True, slots=True)
class Pin:
    """An operator's word that this validator signs with this key. key_hash: SHA-256 of its SubjectPublicKeyInfo."""

    node_id: str
    key_hash: bytes


@dataclass(frozen=True, slots=True)
class Parameters:
    """What an operator decides. Seconds.

    trusting_period: how long the keys of a set of validators vouch for new blocks.
    drift:           how far the chain's clock may be ahead of the caller's.
    """

    trusting_period: int
    drift: int
    pins: tuple[Pin, ...] = ()
