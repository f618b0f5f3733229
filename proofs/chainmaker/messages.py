"""The chain's own protobuf messages, read strictly (version 2 of the protocol).

What is hashed or signed must be in Go's form: fields ascend, defaults are left out. Parts that decide nothing here are
taken as bytes. Numbers are only decoded; whether they make sense is said in predicates.py.
Source: chainmaker.org/chainmaker/pb-go/v2, common, accesscontrol, consensus/tbft and config.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from proofs.chainmaker.types import (
    ChainConfig,
    ContractEvent,
    ContractResult,
    Endorsement,
    Header,
    Member,
    Organisation,
    Payload,
    Result,
    Transaction,
    TrustMember,
    TrustRoot,
    Vote,
    VoteSet,
    Write,
    WriteSet,
)
from proofs.encoding.protobuf import BYTES, ENUM, INT32, INT64, STRING, UINT32, UINT64, Field, Message, decode
from proofs.errors import LimitExceeded

# Chains in use have 4 to 100 validators; every vote costs a signature.
VALIDATORS_MAX: Final = 512
# A block carries at most 10 MB by default; one transaction is most of it when it installs a contract.
TRANSACTION_BYTES_MAX: Final = 12 << 20
CONFIG_BYTES_MAX: Final = 1 << 20
HEADER_BYTES_MAX: Final = 1 << 16
VOTES_BYTES_MAX: Final = 4 << 20
# What one transaction may hold of each: real ones hold tens.
_PARTS_MAX: Final = 1 << 14


def _nothing(*_: object) -> None:
    """Read for its form only."""


MEMBER: Final = Message("Member", Member, [Field(1, "org_id", STRING), Field(2, "type", ENUM), Field(3, "info", BYTES)])
ENDORSEMENT: Final = Message(
    "EndorsementEntry", Endorsement, [Field(1, "signer", MEMBER, required=True), Field(2, "signature", BYTES)]
)
_HEADER: Final = Message(
    "BlockHeader",
    Header,
    [
        Field(1, "block_version", UINT32),
        Field(2, "block_type", ENUM),
        Field(3, "chain_id", STRING),
        Field(4, "block_height", UINT64),
        Field(5, "block_hash", BYTES),
        Field(6, "pre_block_hash", BYTES),
        Field(7, "pre_conf_height", UINT64),
        Field(8, "tx_count", UINT32),
        Field(9, "tx_root", BYTES),
        Field(10, "dag_hash", BYTES),
        Field(11, "rw_set_root", BYTES),
        Field(12, "block_timestamp", INT64),
        Field(13, "consensus_args", BYTES),
        Field(14, "proposer", MEMBER),
        Field(15, "signature", BYTES),
    ],
)
_VOTE: Final = Message(
    "Vote",
    Vote,
    [
        Field(1, "type", ENUM),
        Field(2, "voter", STRING),
        Field(3, "height", UINT64),
        Field(4, "round", INT32),
        Field(5, "hash", BYTES),
        Field(6, "endorsement", ENDORSEMENT, required=True),
        Field(7, "invalidTxs", BYTES, repeated=True, limit=_PARTS_MAX),
    ],
)


def _vote_entry(key: str, vote: bytes) -> tuple[str, Vote]:
    return key, decode_vote(vote)


_VOTE_ENTRY: Final = Message("VotesEntry", _vote_entry, [Field(1, "key", STRING), Field(2, "value", BYTES)])


# maj23, sum and the votes by block are what the node's own counting left behind: counted again, never believed.
def _vote_set(
    kind: int,
    height: int,
    round_: int,
    _sum: int,
    _maj23: bytes,
    votes: tuple[tuple[str, Vote], ...],
    _by_block: object,
) -> VoteSet:
    return VoteSet(kind, height, round_, votes)


_VOTE_SET: Final = Message(
    "VoteSet",
    _vote_set,
    [
        Field(1, "type", ENUM),
        Field(2, "height", UINT64),
        Field(3, "round", INT32),
        Field(4, "sum", UINT64),
        Field(5, "maj23", BYTES),
        Field(6, "votes", _VOTE_ENTRY, repeated=True, limit=VALIDATORS_MAX),
        Field(7, "votes_by_block", BYTES, repeated=True, limit=VALIDATORS_MAX),
    ],
)

_PARAMETER: Final = Message("KeyValuePair", _nothing, [Field(1, "key", BYTES), Field(2, "value", BYTES)])
_LIMIT: Final = Message("Limit", _nothing, [Field(1, "gas_limit", UINT64)])


def _payload(
    chain_id: bytes, kind: int, tx_id: bytes, _time: int, _expires: int, contract: bytes, method: bytes, *_: object
) -> Payload:
    return Payload(chain_id, kind, tx_id, contract, method)


_PAYLOAD: Final = Message(
    "Payload",
    _payload,
    [
        Field(1, "chain_id", BYTES),
        Field(2, "tx_type", ENUM),
        Field(3, "tx_id", BYTES),
        Field(4, "timestamp", INT64),
        Field(5, "expiration_time", INT64),
        Field(6, "contract_name", BYTES),
        Field(7, "method", BYTES),
        Field(8, "parameters", _PARAMETER, repeated=True, limit=_PARTS_MAX),
        Field(9, "sequence", UINT64),
        Field(10, "limit", _LIMIT),
    ],
)
_EVENT: Final = Message(
    "ContractEvent",
    ContractEvent,
    [
        Field(1, "topic", BYTES),
        Field(2, "tx_id", BYTES),
        Field(3, "contract_name", BYTES),
        Field(4, "contract_version", BYTES),
        Field(5, "event_data", BYTES, repeated=True, limit=_PARTS_MAX),
    ],
)


def _contract_result(
    code: int, result: bytes, _message: bytes, _gas: int, events: tuple[ContractEvent, ...]
) -> ContractResult:
    return ContractResult(code, result, events)


_CONTRACT_RESULT: Final = Message(
    "ContractResult",
    _contract_result,
    [
        Field(1, "code", UINT32),
        Field(2, "result", BYTES),
        Field(3, "message", BYTES),
        Field(4, "gas_used", UINT64),
        Field(5, "contract_event", _EVENT, repeated=True, limit=_PARTS_MAX),
    ],
)


def _result(code: int, contract_result: ContractResult | None, write_set_hash: bytes, _message: bytes) -> Result:
    return Result(code, contract_result, write_set_hash)


_RESULT: Final = Message(
    "Result",
    _result,
    [
        Field(1, "code", ENUM),
        Field(2, "contract_result", _CONTRACT_RESULT),
        Field(3, "rw_set_hash", BYTES),
        Field(4, "message", BYTES),
    ],
)


def _transaction(
    payload: Payload,
    sender: Endorsement | None,
    endorsers: tuple[Endorsement, ...],
    result: Result,
    _payer: Endorsement | None,
) -> Transaction:
    return Transaction(payload, sender, endorsers, result)


_TRANSACTION: Final = Message(
    "Transaction",
    _transaction,
    [
        Field(1, "payload", _PAYLOAD, required=True),
        Field(2, "sender", ENDORSEMENT),
        Field(3, "endorsers", ENDORSEMENT, repeated=True, limit=VALIDATORS_MAX),
        Field(4, "result", _RESULT, required=True),
        Field(5, "payer", ENDORSEMENT),
    ],
)

_KEY_VERSION: Final = Message("KeyVersion", _nothing, [Field(3, "ref_tx_id", BYTES), Field(4, "ref_offset", INT32)])
_READ: Final = Message(
    "TxRead",
    _nothing,
    [
        Field(1, "key", BYTES),
        Field(2, "value", BYTES),
        Field(3, "contract_name", BYTES),
        Field(4, "version", _KEY_VERSION),
    ],
)
_WRITE: Final = Message(
    "TxWrite", Write, [Field(1, "key", BYTES), Field(2, "value", BYTES), Field(3, "contract_name", BYTES)]
)


def _write_set(tx_id: bytes, _reads: object, writes: tuple[Write, ...]) -> WriteSet:
    return WriteSet(tx_id, writes)


_WRITE_SET: Final = Message(
    "TxRWSet",
    _write_set,
    [
        Field(1, "tx_id", BYTES),
        Field(2, "tx_reads", _READ, repeated=True, limit=_PARTS_MAX),
        Field(3, "tx_writes", _WRITE, repeated=True, limit=_PARTS_MAX),
    ],
)

_CRYPTO: Final = Message("CryptoConfig", str, [Field(1, "hash", STRING)])


def _organisation(org_id: str, _addresses: object, node_ids: tuple[str, ...]) -> Organisation:
    return Organisation(org_id, node_ids)


_ORGANISATION: Final = Message(
    "OrgConfig",
    _organisation,
    [
        Field(1, "org_id", STRING),
        Field(2, "address", STRING, repeated=True, limit=VALIDATORS_MAX),
        Field(3, "node_id", STRING, repeated=True, limit=VALIDATORS_MAX),
    ],
)


def _consensus(kind: int, nodes: tuple[Organisation, ...], *_: object) -> tuple[int, tuple[Organisation, ...]]:
    return kind, nodes


_CONSENSUS: Final = Message(
    "ConsensusConfig",
    _consensus,
    [
        Field(1, "type", ENUM),
        Field(2, "nodes", _ORGANISATION, repeated=True, limit=VALIDATORS_MAX),
        Field(3, "ext_config", BYTES, repeated=True, limit=_PARTS_MAX),
        Field(4, "dpos_config", BYTES, repeated=True, limit=_PARTS_MAX),
    ],
)
_TRUST_ROOT: Final = Message(
    "TrustRootConfig",
    TrustRoot,
    [Field(1, "org_id", STRING), Field(2, "root", STRING, repeated=True, limit=VALIDATORS_MAX)],
)
_TRUST_MEMBER: Final = Message(
    "TrustMemberConfig",
    TrustMember,
    [
        Field(1, "member_info", STRING),
        Field(2, "org_id", STRING),
        Field(3, "role", STRING),
        Field(4, "node_id", STRING),
    ],
)


def _config(
    chain_id: str,
    version: str,
    auth_type: str,
    sequence: int,
    crypto: str | None,
    _block: bytes,
    _core: bytes,
    consensus: tuple[int, tuple[Organisation, ...]],
    roots: tuple[TrustRoot, ...],
    members: tuple[TrustMember, ...],
    *_: object,
) -> ChainConfig:
    return ChainConfig(chain_id, version, auth_type, sequence, crypto or "", *consensus, roots, members)


_CONFIG: Final = Message(
    "ChainConfig",
    _config,
    [
        Field(1, "chain_id", STRING),
        Field(2, "version", STRING),
        Field(3, "auth_type", STRING),
        Field(4, "sequence", UINT64),
        Field(5, "crypto", _CRYPTO),
        Field(6, "block", BYTES),
        Field(7, "core", BYTES),
        Field(8, "consensus", _CONSENSUS, required=True),
        Field(9, "trust_roots", _TRUST_ROOT, repeated=True, limit=VALIDATORS_MAX),
        Field(10, "trust_members", _TRUST_MEMBER, repeated=True, limit=VALIDATORS_MAX),
        Field(11, "resource_policies", BYTES, repeated=True, limit=_PARTS_MAX),
        Field(12, "contract", BYTES),
        Field(13, "snapshot", BYTES),
        Field(14, "scheduler", BYTES),
        Field(15, "context", BYTES),
        Field(16, "disabled_native_contract", STRING, repeated=True, limit=_PARTS_MAX),
        Field(17, "vm", BYTES),
        Field(18, "account_config", BYTES),
    ],
)


def decode_header(encoded: bytes) -> Header:
    check_size(encoded, "header", HEADER_BYTES_MAX)
    return replace(decode(encoded, _HEADER, part="header", canonical=True), encoded=encoded)


def decode_vote(encoded: bytes) -> Vote:
    return replace(decode(encoded, _VOTE, part="vote", canonical=True), encoded=encoded)


def decode_vote_set(encoded: bytes) -> VoteSet:
    """The set itself is neither hashed nor signed, and a map has no order: only its votes are held to one form."""
    check_size(encoded, "vote set", VOTES_BYTES_MAX)
    return decode(encoded, _VOTE_SET, part="vote set")


def decode_transaction(encoded: bytes) -> Transaction:
    check_size(encoded, "transaction", TRANSACTION_BYTES_MAX)
    return replace(decode(encoded, _TRANSACTION, part="transaction", canonical=True), encoded=encoded)


def decode_write_set(encoded: bytes) -> WriteSet:
    check_size(encoded, "read-write set", TRANSACTION_BYTES_MAX)
    return decode(encoded, _WRITE_SET, part="read-write set", canonical=True)


def decode_config(encoded: bytes) -> ChainConfig:
    check_size(encoded, "config", CONFIG_BYTES_MAX)
    return replace(decode(encoded, _CONFIG, part="config"), encoded=encoded)


def check_size(encoded: bytes, part: str, limit: int) -> None:
    """Larger than any honest one is refused before it is read."""
    if len(encoded) > limit:
        raise LimitExceeded(part, got=len(encoded), limit=limit)
