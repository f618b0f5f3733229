"""The messages by which a 07-tendermint client is created, updated and frozen (ibc.lightclients.tendermint.v1).

The same header message is the evidence of our own client, so one encoding serves every host.
Source: ibc-go v11, proto/ibc/lightclients/tendermint/v1/tendermint.proto.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.cometbft import canonical
from proofs.cometbft.codec import (
    SIGNED_HEADER,
    TIMESTAMP,
    VALIDATOR_SET,
    encode_signed_header,
    encode_validator_set,
)
from proofs.cometbft.types import (
    SECOND,
    ZERO_TIME,
    ClientHeader,
    ConsensusState,
    LightBlock,
    Misbehaviour,
    Parameters,
    SignedHeader,
    TrustLevel,
    ValidatorSet,
)
from proofs.encoding.protobuf import (
    BOOL,
    BYTES,
    INT32,
    INT64,
    STRING,
    UINT64,
    Field,
    Message,
    bytes_field,
    decode,
    message_field,
    repeated_bytes_field,
    string_field,
    varint_field,
)
from proofs.errors import LimitExceeded, MalformedProof, UnsupportedProof
from proofs.light_client import Height

CLIENT_STATE_URL: Final = "/ibc.lightclients.tendermint.v1.ClientState"
CONSENSUS_STATE_URL: Final = "/ibc.lightclients.tendermint.v1.ConsensusState"
HEADER_URL: Final = "/ibc.lightclients.tendermint.v1.Header"
MISBEHAVIOUR_URL: Final = "/ibc.lightclients.tendermint.v1.Misbehaviour"

# A header of 2,048 validators: two sets of some 85 bytes and votes of some 110 bytes each are 560 KiB.
HEADER_BYTES_MAX: Final = 1 << 20

# The two ICS-23 specs of every chain on the Cosmos SDK: IAVL for a store, the simple tree of CometBFT above the stores.
PROOF_SPECS: Final = (
    bytes.fromhex("0a090801180120012a0100120c0a02000110211804200c3001"),
    bytes.fromhex("0a090801180120012a0100120c0a0200011020180120013001"),
)
NOT_FROZEN: Final = Height(0, 0)
UPGRADE_PATH: Final = ("upgrade", "upgradedIBCState")

# google.protobuf.Duration reaches over 10,000 years either way; no period of a client may.
_DURATION_SECONDS_MAX: Final = 315_576_000_000
_UPGRADE_PATH_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class TendermintClientState:
    """The client state of 07-tendermint. `frozen_height` is 0-0 while the client is not frozen."""

    chain_id: str
    parameters: Parameters
    latest_height: Height
    frozen_height: Height = NOT_FROZEN
    upgrade_path: tuple[str, ...] = UPGRADE_PATH
    allow_update_after_expiry: bool = False
    allow_update_after_misbehaviour: bool = False


def decode_client_header(encoded: bytes) -> ClientHeader:
    check_header_size(encoded)
    return decode(encoded, _CLIENT_HEADER, part="header")


def encode_client_header(header: ClientHeader) -> bytes:
    return (
        message_field(1, encode_signed_header(header.block.signed_header))
        + message_field(2, encode_validator_set(header.block.validators))
        + message_field(3, encode_height(header.trusted_height))
        + message_field(4, encode_validator_set(header.trusted_validators))
    )


def decode_light_block(encoded: bytes) -> LightBlock:
    """tendermint.types.LightBlock: how a block that starts a client is handed over."""
    check_header_size(encoded)
    return decode(encoded, _LIGHT_BLOCK, part="light block")


def encode_light_block(block: LightBlock) -> bytes:
    return message_field(1, encode_signed_header(block.signed_header)) + message_field(
        2, encode_validator_set(block.validators)
    )


def check_header_size(encoded: bytes) -> None:
    """Before any work: no header of at most 2,048 validators is larger."""
    if len(encoded) > HEADER_BYTES_MAX:
        raise LimitExceeded("header", got=len(encoded), limit=HEADER_BYTES_MAX)


def decode_misbehaviour(encoded: bytes) -> Misbehaviour:
    if len(encoded) > 2 * HEADER_BYTES_MAX:
        raise LimitExceeded("misbehaviour", got=len(encoded), limit=2 * HEADER_BYTES_MAX)
    return decode(encoded, _MISBEHAVIOUR, part="misbehaviour")


def encode_misbehaviour(misbehaviour: Misbehaviour) -> bytes:
    return (
        string_field(1, misbehaviour.client_id)
        + message_field(2, encode_client_header(misbehaviour.first))
        + message_field(3, encode_client_header(misbehaviour.second))
    )


def decode_consensus_state(encoded: bytes) -> ConsensusState:
    return decode(encoded, CONSENSUS_STATE, part="consensus state")


def encode_consensus_state(state: ConsensusState) -> bytes:
    return (
        message_field(1, canonical.timestamp(state.time))
        + message_field(2, bytes_field(1, state.root))
        + bytes_field(3, state.next_validators_hash)
    )


def decode_client_state(encoded: bytes) -> TendermintClientState:
    return decode(encoded, CLIENT_STATE, part="client state")


def encode_client_state(state: TendermintClientState) -> bytes:
    level = state.parameters.trust_level
    return b"".join(
        (
            string_field(1, state.chain_id),
            message_field(2, varint_field(1, level.numerator) + varint_field(2, level.denominator)),
            message_field(3, _encode_duration(state.parameters.trusting_period)),
            message_field(4, _encode_duration(state.parameters.unbonding_period)),
            message_field(5, _encode_duration(state.parameters.max_clock_drift)),
            message_field(6, encode_height(state.frozen_height)),
            message_field(7, encode_height(state.latest_height)),
            repeated_bytes_field(8, PROOF_SPECS),
            repeated_bytes_field(9, (part.encode() for part in state.upgrade_path)),
            varint_field(10, state.allow_update_after_expiry),
            varint_field(11, state.allow_update_after_misbehaviour),
        )
    )


def encode_height(height: Height) -> bytes:
    return varint_field(1, height.revision) + varint_field(2, height.number)


def _encode_duration(nanoseconds: int) -> bytes:
    seconds, rest = divmod(nanoseconds, SECOND)
    return varint_field(1, seconds) + varint_field(2, rest)


def _duration(seconds: int, nanoseconds: int) -> int:
    if not 0 <= seconds <= _DURATION_SECONDS_MAX or not 0 <= nanoseconds < SECOND:
        raise MalformedProof("Duration", got=(seconds, nanoseconds), expected="a duration that is not negative")
    return seconds * SECOND + nanoseconds


def _client_state(  # noqa: PLR0917 - the reader hands over fields in their order
    chain_id: str,
    trust_level: TrustLevel,
    trusting_period: int,
    unbonding_period: int,
    max_clock_drift: int,
    frozen_height: Height | None,
    latest_height: Height,
    proof_specs: tuple[bytes, ...],
    upgrade_path: tuple[str, ...],
    after_expiry: bool,  # noqa: FBT001 - as above
    after_misbehaviour: bool,  # noqa: FBT001 - as above
) -> TendermintClientState:
    if proof_specs != PROOF_SPECS:
        raise UnsupportedProof("proof specs", got=b"".join(proof_specs), expected="IAVL below the CometBFT simple tree")
    return TendermintClientState(
        chain_id,
        Parameters(trusting_period, unbonding_period, max_clock_drift, trust_level),
        latest_height,
        frozen_height or NOT_FROZEN,
        upgrade_path,
        after_expiry,
        after_misbehaviour,
    )


def _consensus_state(time: int | None, root: bytes, next_validators_hash: bytes) -> ConsensusState:
    return ConsensusState(ZERO_TIME if time is None else time, root, next_validators_hash)


def _root(root: bytes) -> bytes:
    return root


def _client_header(signed: SignedHeader, validators: bytes, height: Height | None, trusted: bytes) -> ClientHeader:
    own_set = _decode_validators(validators)
    # A set rarely changes from one block to the next: the same bytes are read once.
    trusted_set = own_set if trusted == validators else _decode_validators(trusted)
    return ClientHeader(LightBlock(signed, own_set), height or Height(0, 0), trusted_set)


def _decode_validators(encoded: bytes) -> ValidatorSet:
    return decode(encoded, VALIDATOR_SET, part="header")


def _misbehaviour(client_id: str, first: ClientHeader, second: ClientHeader) -> Misbehaviour:
    return Misbehaviour(first, second, client_id)


HEIGHT: Final = Message("Height", Height, [Field(1, "revision_number", UINT64), Field(2, "revision_height", UINT64)])
_CLIENT_HEADER: Final = Message(
    "Header",
    _client_header,
    [
        Field(1, "signed_header", SIGNED_HEADER, required=True),
        Field(2, "validator_set", BYTES, required=True),
        Field(3, "trusted_height", HEIGHT),
        Field(4, "trusted_validators", BYTES, required=True),
    ],
)
_LIGHT_BLOCK: Final = Message(
    "LightBlock",
    LightBlock,
    [
        Field(1, "signed_header", SIGNED_HEADER, required=True),
        Field(2, "validator_set", VALIDATOR_SET, required=True),
    ],
)
_MISBEHAVIOUR: Final = Message(
    "Misbehaviour",
    _misbehaviour,
    [
        Field(1, "client_id", STRING),
        Field(2, "header_1", _CLIENT_HEADER, required=True),
        Field(3, "header_2", _CLIENT_HEADER, required=True),
    ],
)
_ROOT: Final = Message("MerkleRoot", _root, [Field(1, "hash", BYTES)])
CONSENSUS_STATE: Final = Message(
    "ConsensusState",
    _consensus_state,
    [
        Field(1, "timestamp", TIMESTAMP),
        Field(2, "root", _ROOT, required=True),
        Field(3, "next_validators_hash", BYTES),
    ],
)
_FRACTION: Final = Message("Fraction", TrustLevel, [Field(1, "numerator", UINT64), Field(2, "denominator", UINT64)])
_DURATION: Final = Message("Duration", _duration, [Field(1, "seconds", INT64), Field(2, "nanos", INT32)])
CLIENT_STATE: Final = Message(
    "ClientState",
    _client_state,
    [
        Field(1, "chain_id", STRING),
        Field(2, "trust_level", _FRACTION, required=True),
        Field(3, "trusting_period", _DURATION, required=True),
        Field(4, "unbonding_period", _DURATION, required=True),
        Field(5, "max_clock_drift", _DURATION, required=True),
        Field(6, "frozen_height", HEIGHT),
        Field(7, "latest_height", HEIGHT, required=True),
        Field(8, "proof_specs", BYTES, repeated=True, limit=len(PROOF_SPECS)),
        Field(9, "upgrade_path", STRING, repeated=True, limit=_UPGRADE_PATH_MAX),
        Field(10, "allow_update_after_expiry", BOOL),
        Field(11, "allow_update_after_misbehaviour", BOOL),
    ],
)
