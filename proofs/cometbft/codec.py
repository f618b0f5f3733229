"""Blocks, commits and validator sets to and from protobuf (tendermint.types), strictly.

nested messages that Go always writes may be absent, as other writers leave them out when they are empty.
Numbers are only decoded here; whether a height or a power makes sense is said in predicates.py.
"""

from __future__ import annotations

from typing import Final, NoReturn

from proofs.cometbft import canonical
from proofs.cometbft.types import (
    SECOND,
    ZERO_TIME,
    BlockId,
    BlockIdFlag,
    Commit,
    CommitSig,
    Header,
    KeyType,
    PartSetHeader,
    PublicKey,
    SignedHeader,
    Validator,
    ValidatorSet,
)
from proofs.cometbft.usual_forms import read_validators, read_votes
from proofs.encoding.protobuf import (
    BYTES,
    ENUM,
    INT32,
    INT64,
    STRING,
    UINT32,
    UINT64,
    Field,
    Message,
    bytes_field,
    message_field,
    repeated_bytes_field,
    string_field,
    varint_field,
)
from proofs.errors import MalformedProof

# Ten times the largest set in use. CometBFT's own bound of 10,000 votes would let strangers buy a tenth of a second.
VALIDATORS_MAX: Final = 2_048

# 0001-01-01 to 9999-12-31, the range of google.protobuf.Timestamp.
_SECONDS_MIN: Final = -62_135_596_800
_SECONDS_MAX: Final = 253_402_300_799


def _refuse(part: str, got: object, expected: object) -> NoReturn:
    raise MalformedProof(part, got=got, expected=expected)


def _timestamp(seconds: int, nanoseconds: int) -> int:
    if not _SECONDS_MIN <= seconds <= _SECONDS_MAX:
        _refuse("Timestamp.seconds", seconds, "years 1 to 9999")
    if not 0 <= nanoseconds < SECOND:
        _refuse("Timestamp.nanos", nanoseconds, "below one second")
    return seconds * SECOND + nanoseconds


def _version(block: int, app: int) -> tuple[int, int]:
    return block, app


def _block_id(block_hash: bytes, parts: PartSetHeader | None) -> BlockId:
    return BlockId(block_hash, parts or PartSetHeader())


def _header(
    version: tuple[int, int] | None,
    chain_id: str,
    height: int,
    time: int | None,
    last_block_id: BlockId | None,
    *hashes_and_proposer: bytes,
) -> Header:
    last_commit, data, validators, next_validators, consensus, app, last_results, evidence, proposer = (
        hashes_and_proposer
    )
    block_version, app_version = version or (0, 0)
    return Header(
        chain_id=chain_id,
        height=height,
        time=ZERO_TIME if time is None else time,
        validators_hash=validators,
        next_validators_hash=next_validators,
        app_hash=app,
        proposer_address=proposer,
        block_version=block_version,
        app_version=app_version,
        last_block_id=last_block_id or BlockId(),
        last_commit_hash=last_commit,
        data_hash=data,
        consensus_hash=consensus,
        last_results_hash=last_results,
        evidence_hash=evidence,
    )


_FLAGS: Final = {flag.value: flag for flag in BlockIdFlag}


def _commit_sig(flag: int, address: bytes, time: int | None, signature: bytes) -> CommitSig:
    known = _FLAGS.get(flag)
    if known is None:
        _refuse("CommitSig.block_id_flag", flag, "absent, commit or nil")
    return CommitSig(known, address, ZERO_TIME if time is None else time, signature)


def _commit(height: int, round_: int, block_id: BlockId | None, signatures: tuple[CommitSig, ...]) -> Commit:
    return Commit(height, round_, block_id or BlockId(), signatures)


def _public_key(ed25519: bytes | None, secp256k1: bytes | None) -> PublicKey:
    if ed25519 is not None and secp256k1 is None:
        return PublicKey(KeyType.ED25519, ed25519)
    if secp256k1 is not None and ed25519 is None:
        return PublicKey(KeyType.SECP256K1, secp256k1)
    _refuse("PublicKey", "none or two", "one ed25519 or secp256k1 key")


def _validator_set(
    validators: tuple[Validator, ...],
    proposer: Validator | None,
    _total: int,
) -> ValidatorSet:
    # The declared total is a cache that some writers leave at 0: the sum is computed, never believed.
    return ValidatorSet(validators, proposer)


TIMESTAMP: Final = Message("Timestamp", _timestamp, [Field(1, "seconds", INT64), Field(2, "nanos", INT32)])
_VERSION: Final = Message("Consensus", _version, [Field(1, "block", UINT64), Field(2, "app", UINT64)])
_PARTS: Final = Message("PartSetHeader", PartSetHeader, [Field(1, "total", UINT32), Field(2, "hash", BYTES)])
_BLOCK_ID: Final = Message("BlockID", _block_id, [Field(1, "hash", BYTES), Field(2, "part_set_header", _PARTS)])
HEADER: Final = Message(
    "Header",
    _header,
    [
        Field(1, "version", _VERSION),
        Field(2, "chain_id", STRING),
        Field(3, "height", INT64),
        Field(4, "time", TIMESTAMP),
        Field(5, "last_block_id", _BLOCK_ID),
        Field(6, "last_commit_hash", BYTES),
        Field(7, "data_hash", BYTES),
        Field(8, "validators_hash", BYTES),
        Field(9, "next_validators_hash", BYTES),
        Field(10, "consensus_hash", BYTES),
        Field(11, "app_hash", BYTES),
        Field(12, "last_results_hash", BYTES),
        Field(13, "evidence_hash", BYTES),
        Field(14, "proposer_address", BYTES),
    ],
)
COMMIT_SIG: Final = Message(
    "CommitSig",
    _commit_sig,
    [
        Field(1, "block_id_flag", ENUM),
        Field(2, "validator_address", BYTES),
        Field(3, "timestamp", TIMESTAMP),
        Field(4, "signature", BYTES),
    ],
)
COMMIT: Final = Message(
    "Commit",
    _commit,
    [
        Field(1, "height", INT64),
        Field(2, "round", INT32),
        Field(3, "block_id", _BLOCK_ID),
        Field(4, "signatures", COMMIT_SIG, repeated=True, limit=VALIDATORS_MAX, run=read_votes),
    ],
)
SIGNED_HEADER: Final = Message(
    "SignedHeader",
    SignedHeader,
    [Field(1, "header", HEADER, required=True), Field(2, "commit", COMMIT, required=True)],
)
PUBLIC_KEY: Final = Message(
    "PublicKey", _public_key, [Field(1, "ed25519", BYTES, optional=True), Field(2, "secp256k1", BYTES, optional=True)]
)
_VALIDATOR: Final = Message(
    "Validator",
    Validator,
    [
        Field(1, "address", BYTES),
        Field(2, "pub_key", PUBLIC_KEY, required=True),
        Field(3, "voting_power", INT64),
        Field(4, "proposer_priority", INT64),
    ],
)
VALIDATOR_SET: Final = Message(
    "ValidatorSet",
    _validator_set,
    [
        Field(1, "validators", _VALIDATOR, repeated=True, limit=VALIDATORS_MAX, run=read_validators),
        Field(2, "proposer", _VALIDATOR),
        Field(3, "total_voting_power", INT64),
    ],
)


def encode_header(header: Header) -> bytes:
    version = varint_field(1, header.block_version) + varint_field(2, header.app_version)
    return b"".join(
        (
            message_field(1, version),
            string_field(2, header.chain_id),
            varint_field(3, header.height),
            message_field(4, canonical.timestamp(header.time)),
            message_field(5, canonical.block_id(header.last_block_id)),
            bytes_field(6, header.last_commit_hash),
            bytes_field(7, header.data_hash),
            bytes_field(8, header.validators_hash),
            bytes_field(9, header.next_validators_hash),
            bytes_field(10, header.consensus_hash),
            bytes_field(11, header.app_hash),
            bytes_field(12, header.last_results_hash),
            bytes_field(13, header.evidence_hash),
            bytes_field(14, header.proposer_address),
        )
    )


def encode_commit(commit: Commit) -> bytes:
    return (
        varint_field(1, commit.height)
        + varint_field(2, commit.round)
        + message_field(3, canonical.block_id(commit.block_id))
        + repeated_bytes_field(4, (_encode_commit_sig(vote) for vote in commit.signatures))
    )


def _encode_commit_sig(vote: CommitSig) -> bytes:
    return (
        varint_field(1, vote.flag)
        + bytes_field(2, vote.validator_address)
        + message_field(3, canonical.timestamp(vote.time))
        + bytes_field(4, vote.signature)
    )


def encode_signed_header(signed: SignedHeader) -> bytes:
    return message_field(1, encode_header(signed.header)) + message_field(2, encode_commit(signed.commit))


def encode_validator_set(validators: ValidatorSet) -> bytes:
    """Without the total, as ibc-go writes it: readers compute it themselves."""
    encoded = repeated_bytes_field(1, (_encode_validator(each) for each in validators.validators))
    if validators.proposer is not None:
        encoded += message_field(2, _encode_validator(validators.proposer))
    return encoded


def _encode_validator(validator: Validator) -> bytes:
    return (
        bytes_field(1, validator.address)
        + message_field(2, canonical.public_key(validator.public_key))
        + varint_field(3, validator.power)
        + varint_field(4, validator.proposer_priority)
    )
