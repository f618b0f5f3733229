"""A small honest chain: committees with keys from a seed, blocks that they sign, steps between any two blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from coincurve import PrivateKey
from nacl.signing import SigningKey

from proofs.cometbft import canonical
from proofs.cometbft.types import (
    SECOND,
    BlockId,
    BlockIdFlag,
    ClientHeader,
    Commit,
    CommitSig,
    Header,
    KeyType,
    LightBlock,
    Parameters,
    PartSetHeader,
    PublicKey,
    SignedHeader,
    Validator,
    ValidatorSet,
)
from proofs.light_client import Height
from proofs.primitives.hashing import sha256

CHAIN_ID = "causeway-7"
START = 1_700_000_000
DAY = 86_400 * SECOND
PARAMETERS = Parameters(trusting_period=14 * DAY, unbonding_period=21 * DAY, max_clock_drift=10 * SECOND)
ROOT = sha256(b"application")


@dataclass(frozen=True, slots=True)
class Member:
    seed: bytes
    power: int = 10
    key_type: KeyType = KeyType.ED25519

    def public_key(self) -> PublicKey:
        if self.key_type is KeyType.SECP256K1:
            return PublicKey(self.key_type, PrivateKey(self.seed).public_key.format())
        return PublicKey(self.key_type, bytes(SigningKey(self.seed).verify_key))

    def sign(self, message: bytes) -> bytes:
        if self.key_type is KeyType.SECP256K1:
            return PrivateKey(self.seed).sign_recoverable(message)[:64]
        return SigningKey(self.seed).sign(message).signature

    def validator(self) -> Validator:
        key = self.public_key()
        return Validator(canonical.address(key), key, self.power)


def members(*names: str, power: int = 10) -> tuple[Member, ...]:
    return tuple(Member(sha256(name.encode()), power) for name in names)


def validator_set(committee: Sequence[Member]) -> ValidatorSet:
    validators = tuple(member.validator() for member in committee)
    return ValidatorSet(validators, validators[0])


FOUR = members("a", "b", "c", "d")


def header(
    height: int, committee: Sequence[Member] = FOUR, following: Sequence[Member] | None = None, **changes: object
) -> Header:
    current = validator_set(committee)
    honest = Header(
        chain_id=CHAIN_ID,
        height=height,
        time=(START + height) * SECOND + 123_456_789,
        validators_hash=canonical.validators_hash(current),
        next_validators_hash=canonical.validators_hash(validator_set(following or committee)),
        app_hash=ROOT,
        proposer_address=current.validators[0].address,
        last_commit_hash=sha256(b"last commit"),
    )
    return replace(honest, **changes)  # type: ignore[arg-type]  # named by the tests


def block_id_of(signed: Header) -> BlockId:
    block_hash = canonical.header_hash(signed)
    return BlockId(block_hash, PartSetHeader(1, sha256(block_hash)))


def commit(
    signed: Header,
    committee: Sequence[Member] = FOUR,
    *,
    absent: Sequence[int] = (),
    chain_id: str = CHAIN_ID,
    **changes: object,
) -> Commit:
    """`changes` are made before the votes are signed, so that only what is changed is wrong."""
    unsigned = replace(Commit(signed.height, 0, block_id_of(signed), ()), **changes)  # type: ignore[arg-type]  # named by the tests
    return replace(
        unsigned,
        signatures=tuple(
            CommitSig(BlockIdFlag.ABSENT)
            if index in absent
            else vote(unsigned, member, signed.time + SECOND + index, chain_id)
            for index, member in enumerate(committee)
        ),
    )


def vote(unsigned: Commit, member: Member, time: int, chain_id: str) -> CommitSig:
    bare = CommitSig(BlockIdFlag.COMMIT, member.validator().address, time, b"")
    message = canonical.CommitVotes(chain_id, unsigned).sign_bytes(bare)
    return replace(bare, signature=member.sign(message))


def block(signed: Header, committee: Sequence[Member] = FOUR, *, absent: Sequence[int] = ()) -> LightBlock:
    return LightBlock(SignedHeader(signed, commit(signed, committee, absent=absent)), validator_set(committee))


def step(
    to: LightBlock, *, trusted_height: int = 1, trusted: Sequence[Member] = FOUR, revision: int = 7
) -> ClientHeader:
    return ClientHeader(to, Height(revision, trusted_height), validator_set(trusted))
