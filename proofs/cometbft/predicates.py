"""The rules of the CometBFT light client, one function each. None returns anything: it passes, or refuses with a name.

Sources: CometBFT spec/light-client/verification (LCV), types/block.go ValidateBasic for shapes, ibc-go
modules/light-clients/07-tendermint for what a client on a ledger adds.
"""

from __future__ import annotations

from typing import Final

from proofs.cometbft import canonical
from proofs.cometbft.signatures import signature_is_valid
from proofs.cometbft.types import (
    BLOCK_PROTOCOL,
    SECOND,
    ZERO_TIME,
    BlockIdFlag,
    Commit,
    CommitSig,
    Header,
    KeyType,
    SignedHeader,
    TrustLevel,
    Validator,
    ValidatorSet,
)
from proofs.errors import (
    ClientFrozen,
    DuplicateSigner,
    HeaderFromFuture,
    HeightNotIncreasing,
    InsufficientVotingPower,
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    NotEnoughTrust,
    NotMisbehaviour,
    RootMismatch,
    TimeNotIncreasing,
    TrustExpired,
    ValueMismatch,
    WrongLedger,
)
from proofs.light_client import Height

HASH_BYTES: Final = 32
ADDRESS_BYTES: Final = 20
# CometBFT refuses longer ones, so that sign bytes stay bounded.
CHAIN_ID_BYTES_MAX: Final = 50
# What a signature of any key type may take (types.MaxSignatureSize).
SIGNATURE_BYTES_MAX: Final = 64
# The largest total for which CometBFT's own 64-bit arithmetic cannot overflow; ours is exact either way.
TOTAL_POWER_MAX: Final = (2**63 - 1) // 8

# Looking a member up in its enumeration takes longer than comparing it.
_ABSENT: Final = BlockIdFlag.ABSENT
_KEY_BYTES: Final = {KeyType.ED25519: 32, KeyType.SECP256K1: 33}


def check_block_protocol(header: Header) -> None:
    """Other versions hash other fields. Source: types/block.go, Header.ValidateBasic."""
    if header.block_version != BLOCK_PROTOCOL:
        raise WrongLedger("block protocol", got=header.block_version, expected=BLOCK_PROTOCOL)


def check_header_height_is_positive(header: Header) -> None:
    """Heights start at 1. Source: types/block.go, Header.ValidateBasic."""
    if header.height < 1:
        raise MalformedProof("header height", got=header.height, expected="at least 1")


def check_header_hash_lengths(header: Header) -> None:
    """Hashes are absent or 32 bytes; only the application's root may be any. Source: types/block.go, ValidateHash."""
    hashes = {
        "last commit hash": header.last_commit_hash,
        "data hash": header.data_hash,
        "validators hash": header.validators_hash,
        "next validators hash": header.next_validators_hash,
        "consensus hash": header.consensus_hash,
        "last results hash": header.last_results_hash,
        "evidence hash": header.evidence_hash,
        "last block hash": header.last_block_id.hash,
        "last block's part set hash": header.last_block_id.parts.hash,
    }
    for part, value in hashes.items():
        if len(value) not in (0, HASH_BYTES):
            raise MalformedProof(part, got=len(value), expected="0 or 32 bytes")


def check_header_names_its_validators(header: Header) -> None:
    """Without them a header has no hash at all. Source: types/block.go, Header.Hash."""
    if not header.validators_hash:
        raise MalformedProof("validators hash", got=b"", expected="32 bytes")


def check_proposer_address_length(header: Header) -> None:
    """Source: types/block.go, Header.ValidateBasic."""
    if len(header.proposer_address) != ADDRESS_BYTES:
        raise MalformedProof("proposer address", got=len(header.proposer_address), expected="20 bytes")


def check_chain_id_length(chain_id: str) -> None:
    """Source: types/genesis.go, MaxChainIDLen."""
    size = len(chain_id.encode())
    if not 0 < size <= CHAIN_ID_BYTES_MAX:
        raise LimitExceeded("chain id", got=size, limit=CHAIN_ID_BYTES_MAX)


def check_chain_id(header: Header, chain_id: str) -> None:
    """Signatures of another chain say nothing about this one. Source: LCV-FUNC-VALID.2."""
    if header.chain_id != chain_id:
        raise WrongLedger("chain id", got=header.chain_id, expected=chain_id)


def check_revision(trusted: Height, revision: int) -> None:
    """A revision starts heights anew: nothing is compared across it. Source: 07-tendermint update.go, verifyHeader."""
    if trusted.revision != revision:
        raise WrongLedger("revision", got=trusted.revision, expected=revision)


def check_commit_height(signed: SignedHeader) -> None:
    """Source: types/light.go, SignedHeader.ValidateBasic."""
    if signed.commit.height != signed.header.height:
        raise ValueMismatch("commit height", got=signed.commit.height, expected=signed.header.height)


def check_commit_is_for_header(signed: SignedHeader) -> None:
    """Votes are for a hash: it must be the hash of this header. Source: types/light.go, SignedHeader.ValidateBasic."""
    computed = canonical.header_hash(signed.header)
    if signed.commit.block_id.hash != computed:
        raise RootMismatch("header hash", computed=computed, expected=signed.commit.block_id.hash)


def check_commit_block_id(commit: Commit) -> None:
    """A commit is for one whole block. Source: types/block.go, Commit.ValidateBasic, BlockID.ValidateBasic."""
    parts = commit.block_id.parts
    if len(commit.block_id.hash) != HASH_BYTES or len(parts.hash) not in (0, HASH_BYTES):
        raise MalformedProof("commit block id", got=commit.block_id, expected="hashes of 32 bytes")


def check_commit_round(commit: Commit) -> None:
    """Source: types/block.go, Commit.ValidateBasic."""
    if commit.round < 0:
        raise MalformedProof("commit round", got=commit.round, expected="at least 0")


def check_commit_size(commit: Commit, validators: ValidatorSet) -> None:
    """A place for each validator, so that a vote is named by its index. Source: types/validation.go."""
    if len(commit.signatures) != len(validators.validators):
        raise ValueMismatch("votes in commit", got=len(commit.signatures), expected=len(validators.validators))


def check_vote_shape(vote: CommitSig) -> None:
    """Absent votes carry nothing, others who and a signature. Source: types/block.go, CommitSig.ValidateBasic."""
    if vote.flag is _ABSENT:
        if vote.validator_address or vote.signature or vote.time != ZERO_TIME:
            raise MalformedProof("absent vote", got="address, time or signature", expected="nothing")
        return
    if len(vote.validator_address) != ADDRESS_BYTES:
        raise MalformedProof("vote address", got=len(vote.validator_address), expected="20 bytes")
    if not 0 < len(vote.signature) <= SIGNATURE_BYTES_MAX:
        raise MalformedProof("vote signature", got=len(vote.signature), expected="1 to 64 bytes")


def check_vote_is_by(vote: CommitSig, validator: Validator) -> None:
    """The vote at an index is that of the validator at this index. Source: ADR-025; LCV-FUNC-VALID.2."""
    if vote.validator_address != validator.address:
        raise ValueMismatch("voter at index", got=vote.validator_address, expected=validator.address)


def check_vote_signature(vote: CommitSig, validator: Validator, message: bytes) -> None:
    """One wrong signature condemns the commit, as it does on CometBFT. Source: types/validation.go; ZIP-215."""
    if not signature_is_valid(validator.public_key, message, vote.signature):
        raise InvalidSignature(validator.address, scheme=validator.public_key.type.name.lower())


def check_not_counted_before(index: int, counted: set[int], validator: Validator) -> None:
    """One validator, one vote. Source: types/validation.go, verifyCommitSingle, seenVals."""
    if index in counted:
        raise DuplicateSigner(validator.address)


def check_set_is_not_empty(validators: ValidatorSet) -> None:
    """Source: types/validator_set.go, ValidatorSet.ValidateBasic."""
    if not validators.validators:
        raise MalformedProof("validator set", got=0, expected="at least 1 validator")


def check_validator_keys(validators: ValidatorSet) -> None:
    """Keys have the length of their kind. Source: crypto/ed25519, crypto/secp256k1."""
    for each in validators.validators:
        if len(each.public_key.data) != _KEY_BYTES[each.public_key.type]:
            raise MalformedProof(
                "validator key", got=len(each.public_key.data), expected=_KEY_BYTES[each.public_key.type]
            )


def check_validator_addresses(validators: ValidatorSet) -> None:
    """Addresses are not part of the set's hash: they are believed only as far as the key gives them."""
    for each in validators.validators:
        computed = canonical.address(each.public_key)
        if each.address != computed:
            raise ValueMismatch("validator address", got=each.address, expected=computed)


def check_validators_are_distinct(validators: ValidatorSet) -> None:
    """Power is found by address, so an address may stand in a set only once."""
    seen: set[bytes] = set()
    for each in validators.validators:
        if each.address in seen:
            raise DuplicateSigner(each.address)
        seen.add(each.address)


def check_powers(validators: ValidatorSet) -> None:
    """No power is negative and their sum is bounded. Source: types/validator_set.go, MaxTotalVotingPower."""
    for each in validators.validators:
        if each.power < 0:
            raise MalformedProof("voting power", got=each.power, expected="at least 0")
    total = validators.total_power
    if total > TOTAL_POWER_MAX:
        raise LimitExceeded("total voting power", got=total, limit=TOTAL_POWER_MAX)


def check_validators_hash(validators: ValidatorSet, header: Header) -> None:
    """The set that is claimed to have signed is the one the header names. Source: LCV-FUNC-VALID.2."""
    computed = canonical.validators_hash(validators)
    if computed != header.validators_hash:
        raise RootMismatch("validators hash", computed=computed, expected=header.validators_hash)


def check_trusted_validators_hash(computed: bytes, trusted_next_validators_hash: bytes) -> None:
    """The set said to be trusted is the one that is. Source: 07-tendermint update.go, checkTrustedHeader."""
    if computed != trusted_next_validators_hash:
        raise RootMismatch("trusted validators hash", computed=computed, expected=trusted_next_validators_hash)


def check_next_validators_hash(header: Header, trusted_next_validators_hash: bytes) -> None:
    """The very next block is signed by the set announced before it. Source: LCV-FUNC-VALID.2, adjacent case."""
    if header.validators_hash != trusted_next_validators_hash:
        raise ValueMismatch("next validators hash", got=header.validators_hash, expected=trusted_next_validators_hash)


def check_height_increases(header: Header, trusted_height: int) -> None:
    """Source: LCV-FUNC-VALID.2."""
    if header.height <= trusted_height:
        raise HeightNotIncreasing(got=header.height, trusted=trusted_height)


def check_time_increases(header: Header, trusted_time: int) -> None:
    """BFT time is strictly monotonic. Source: LCV-FUNC-VALID.2. Nanoseconds."""
    if header.time <= trusted_time:
        raise TimeNotIncreasing(got=header.time, trusted=trusted_time)


def check_not_from_future(header: Header, *, now: int, max_clock_drift: int) -> None:
    """Source: light/verifier.go, verifyNewHeaderAndVals. Nanoseconds in, seconds in the refusal."""
    if header.time >= now + max_clock_drift:
        raise HeaderFromFuture(header.time // SECOND, now=now // SECOND, drift=max_clock_drift // SECOND)


def check_within_trusting_period(trusted_time: int, *, now: int, trusting_period: int) -> None:
    """After it, those who signed may have left with their stake. Source: LCV-FUNC-VALID.1. Nanoseconds."""
    if trusted_time + trusting_period <= now:
        raise TrustExpired((trusted_time + trusting_period) // SECOND, now=now // SECOND)


def check_trust(*, signed: int, total: int, level: TrustLevel) -> None:
    """More than the trust level of the trusted set signed: one honest validator at least. Source: LCV-FUNC-VALID.2."""
    if signed * level.denominator <= total * level.numerator:
        raise NotEnoughTrust(signed, total)


def check_quorum(*, signed: int, total: int) -> None:
    """More than two thirds of the block's own set signed. Source: LCV-FUNC-VALID.2, types/validation.go."""
    if signed * 3 <= total * 2:
        raise InsufficientVotingPower(signed, total, signers="validator set")


def check_checkpoint(header: Header, *, height: int, header_hash: bytes) -> None:
    """The first block is believed because an operator named its hash, nothing else."""
    if header.height != height:
        raise ValueMismatch("checkpoint height", got=header.height, expected=height)
    computed = canonical.header_hash(header)
    if computed != header_hash:
        raise RootMismatch("checkpoint header hash", computed=computed, expected=header_hash)


def check_not_frozen(frozen_height: int | None) -> None:
    """After misbehaviour nothing is believed any more. Source: ICS-02; 07-tendermint client_state.go, Status."""
    if frozen_height is not None:
        raise ClientFrozen(frozen_height)


def check_headers_conflict(first: Header, second: Header) -> None:
    """Two blocks at one height, or time that runs backwards. Source: 07-tendermint misbehaviour_handle.go."""
    if first.height == second.height:
        if canonical.header_hash(first) == canonical.header_hash(second):
            raise NotMisbehaviour("both headers are the same block")
        return
    lower, higher = sorted((first, second), key=lambda header: header.height)
    if lower.time < higher.time:
        raise NotMisbehaviour("the headers are of different heights and their times increase")
