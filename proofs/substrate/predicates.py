"""The rules by which a block is believed, one function each. None returns anything: it passes, or refuses by a name.

Sources: finality-grandpa, validate_commit and VoterSet; sc-consensus-grandpa, GrandpaJustification::verify;
Polkadot specification, section 6.3; ICS-02 for freezing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proofs.errors import (
    ClientFrozen,
    DuplicateSigner,
    HeaderFromFuture,
    HeightNotIncreasing,
    InsufficientVotingPower,
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    NotMisbehaviour,
    TimeNotIncreasing,
    TrustExpired,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
    WrongLedger,
)
from proofs.light_client import Height
from proofs.primitives import ed25519
from proofs.substrate.types import HASH_BYTES, Authorities, Change, Header, Justification, Parameters, Precommit

# Only headers from an announcement to its effect have to come together; chains that delay, delay by a few blocks.
HEADERS_MAX: Final = 512
# A new set every second for a hundred years.
SET_ID_MAX: Final = (1 << 32) - 1
_SECONDS_MAX: Final = 1 << 32
# Year 10,000: anything above is another unit.
_TIME_MAX: Final = 253_402_300_800_000


def check_some_header(count: int) -> None:
    """A step has at least the block that is voted for."""
    if count < 1:
        raise MalformedProof("headers", got=count, expected="at least 1")


def check_number_follows(number: int, *, parent: int) -> None:
    """Blocks are counted without gaps."""
    if number != parent + 1:
        raise HeightNotIncreasing(got=number, trusted=parent)


def check_parent_hash(header: Header, parent_hash: bytes) -> None:
    """A header names the block it builds on: whoever made the last of a chain final made all of it final."""
    if header.parent_hash != parent_hash:
        raise ValueMismatch("parent hash", got=header.parent_hash, expected=parent_hash)


def check_commit_target(justification: Justification, *, number: int, block_hash: bytes) -> None:
    """The votes are for the last header of the step."""
    if justification.target_hash != block_hash:
        raise ValueMismatch("commit target", got=justification.target_hash, expected=block_hash)
    if justification.target_number != number:
        raise ValueMismatch("commit target number", got=justification.target_number, expected=number)


def check_precommits_count(count: int, authorities: Authorities) -> None:
    """Before any is verified: an authority votes once."""
    if count > len(authorities.keys):
        raise LimitExceeded("precommits", got=count, limit=len(authorities.keys))


def check_authority(authority: bytes, weights: Mapping[bytes, int], *, set_id: int) -> None:
    """Whoever votes is in the set. Nodes leave strangers out of the count; an honest node never puts one in."""
    if authority not in weights:
        raise UnknownSigner(signer=authority, signers=f"GRANDPA set {set_id}")


def check_not_counted_before(authority: bytes, counted: set[bytes]) -> None:
    """One vote each. Nodes count an authority that voted two ways for every block; here its votes prove nothing.

    Source: finality-grandpa, Round::import_precommit for equivocations; strict mode of Parity's header bridges.
    """
    if authority in counted:
        raise DuplicateSigner(authority)


def check_vote_number(number: int, *, expected: int) -> None:
    """The number in a vote is that of the block whose hash is in it."""
    if number != expected:
        raise ValueMismatch("precommit target number", got=number, expected=expected)


def check_descends(block_hash: bytes, ancestry: Mapping[bytes, Header]) -> None:
    """Every vote is for the target or for a block after it: headers lead from each vote's block back to the target."""
    if block_hash not in ancestry:
        raise ValueMismatch("precommit ancestry", got=block_hash, expected="a header given with the votes")


def check_no_unused_ancestry(*, used: int, given: int) -> None:
    """No header is given twice or for nothing. Source: GrandpaJustification::verify."""
    if used != given:
        raise MalformedProof("votes ancestries", got=given, expected=used)


def check_vote_signature(vote: Precommit, payload: bytes) -> None:
    """Ed25519 by ZIP-215, as ed25519-zebra counts in runtimes and nodes, over this round and the trusted set.

    What libsodium accepts, ZIP-215 accepts too: the slow rule is asked only about what the fast one refuses.
    Source: sp-core, ed25519::Pair::verify; ext_crypto_ed25519_verify.
    """
    key, signature = vote.authority, vote.signature
    if not ed25519.verify(key, payload, signature) and not ed25519.verify_zip215(key, payload, signature):
        raise InvalidSignature(signer=key, scheme="ed25519 (ZIP-215)")


def check_threshold(*, signed: int, total: int, set_id: int) -> None:
    """Weight of at least total − ⌊(total − 1) / 3⌋, which is more than two thirds. Source: VoterSet::threshold."""
    if signed < total - (total - 1) // 3:
        raise InsufficientVotingPower(signed, total, signers=f"GRANDPA set {set_id}")


def check_change_not_passed(change: Change, *, finalised: int) -> None:
    """A set makes nothing final after the block that ends it. The step must stop there: it has no other proof."""
    if finalised > change.effective:
        raise ValueMismatch("final block of a set", got=finalised, expected=f"at most {change.effective}")


def check_one_change_at_a_time(change: Change, pending: Change | None) -> None:
    """Nothing is announced while a change is on its way. Source: pallet-grandpa, schedule_change (ChangePending)."""
    if pending is not None and change != pending:
        raise UnsupportedProof("authority change", got=change.announced, expected=f"none before {pending.effective}")


def check_set_id(set_id: int) -> None:
    """Sets are counted, one for every session at most."""
    if set_id > SET_ID_MAX:
        raise LimitExceeded("set id", got=set_id, limit=SET_ID_MAX)


def check_time(time_ms: int) -> None:
    """Milliseconds, and a year of four digits: anything above is another unit."""
    if time_ms >= _TIME_MAX:
        raise MalformedProof("time", got=time_ms, expected=f"below {_TIME_MAX} milliseconds")


def check_time_order(time_ms: int, *, trusted_ms: int) -> None:
    """Time never runs backwards: what is absent after a timeout must not be received later. Milliseconds."""
    if time_ms < trusted_ms:
        raise TimeNotIncreasing(got=time_ms, trusted=trusted_ms)


def check_not_from_future(time_ms: int, *, now: int, drift: int) -> None:
    """A block is ahead of the caller's clock by no more than the drift. now: unix seconds."""
    if time_ms >= (now + drift + 1) * 1_000:
        raise HeaderFromFuture(header_time=time_ms // 1_000, now=now, drift=drift)


def check_within_trusting_period(*, expires_at: int, now: int) -> None:
    """Authorities that left long ago may have lost their keys. Unix seconds."""
    if now >= expires_at:
        raise TrustExpired(expired_at=expires_at, now=now)


def check_not_frozen(frozen_at: int | None) -> None:
    """After misbehaviour nothing is believed until an operator decides."""
    if frozen_at is not None:
        raise ClientFrozen(frozen_at)


def check_revision(at: Height) -> None:
    """These chains count no revisions."""
    if at.revision != 0:
        raise WrongLedger("revision", got=at.revision, expected=0)


def check_checkpoint(block_hash: bytes, checkpoint_hash: bytes) -> None:
    """The first block is believed because an operator named its hash; its state says who votes after it."""
    if block_hash != checkpoint_hash:
        raise WrongLedger("checkpoint", got=block_hash, expected=checkpoint_hash)


def check_blocks_conflict(a: Mapping[int, bytes], b: Mapping[int, bytes]) -> None:
    """Two pieces of evidence contradict each other at a height that both make final. a, b: number → hash."""
    if all(a[number] == b[number] for number in a.keys() & b.keys()):
        raise NotMisbehaviour("no height at which both are final and differ")


def check_parameters(parameters: Parameters) -> None:
    """A chain has a genesis block, and a period of zero believes nothing."""
    if len(parameters.genesis_hash) != HASH_BYTES:
        raise MalformedProof("genesis hash", got=len(parameters.genesis_hash), expected=HASH_BYTES)
    for part, seconds, least in (
        ("trusting period", parameters.trusting_period, 1),
        ("clock drift", parameters.clock_drift, 0),
    ):
        if not least <= seconds < _SECONDS_MAX:
            raise MalformedProof(part, got=seconds, expected=f"{least} to 2^32 - 1 seconds")
