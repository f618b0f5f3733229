"""Each rule has a corruption that only this rule catches: with the rule taken away, the corrupted step is believed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from proofs.cometbft import canonical, spec
from proofs.cometbft import predicates as rules
from proofs.cometbft.configuration import check_periods, check_trust_level
from proofs.cometbft.types import (
    SECOND,
    ZERO_TIME,
    BlockId,
    BlockIdFlag,
    ClientHeader,
    CommitSig,
    ConsensusState,
    KeyType,
    LightBlock,
    Parameters,
    PartSetHeader,
    PublicKey,
    SignedHeader,
    TrustLevel,
    Validator,
    ValidatorSet,
)
from proofs.errors import (
    DuplicateSigner,
    HeaderFromFuture,
    HeightNotIncreasing,
    InsufficientVotingPower,
    InvalidProof,
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    NotEnoughTrust,
    RootMismatch,
    TimeNotIncreasing,
    TrustExpired,
    ValueMismatch,
    VerificationError,
    WrongLedger,
)
from tests.proofs.cometbft.builders import (
    CHAIN_ID,
    FOUR,
    PARAMETERS,
    START,
    Member,
    block,
    commit,
    header,
    members,
    step,
    validator_set,
)

TRUSTED = spec.consensus_state(block(header(1)).signed_header)
NOW = (START + 1000) * SECOND
STRANGERS = members("w", "x", "y", "z")
LONG_CHAIN_ID = "a" * 51


@dataclass(frozen=True, slots=True)
class Corruption:
    """alone: nothing else stands in the way. It is False where the code behind relies on what the rule ensures."""

    rule: str
    evidence: ClientHeader
    refusal: type[VerificationError]
    fields: tuple[object, ...]
    trusted: ConsensusState = TRUSTED
    chain_id: str = CHAIN_ID
    alone: bool = True


def changed_header(**changes: object) -> ClientHeader:
    return step(block(header(2, **changes)))  # type: ignore[arg-type]  # named by the cases


def changed_commit(**changes: object) -> ClientHeader:
    signed = header(2)
    return step(LightBlock(SignedHeader(signed, commit(signed, **changes)), validator_set(FOUR)))  # type: ignore[arg-type]


def changed_votes(change: Callable[[tuple[CommitSig, ...]], Sequence[CommitSig]], height: int = 2) -> ClientHeader:
    honest = block(header(height))
    votes = tuple(change(honest.signed_header.commit.signatures))
    signed = replace(honest.signed_header, commit=replace(honest.signed_header.commit, signatures=votes))
    return step(replace(honest, signed_header=signed))


def changed_last_vote(**changes: object) -> ClientHeader:
    """The last of four votes is not needed, so a change of it matters to its shape alone."""
    return changed_votes(lambda votes: (*votes[:-1], replace(votes[-1], **changes)))  # type: ignore[arg-type]


def with_idle(idle: Validator) -> ClientHeader:
    """A set with a fifth validator that does not vote; the trusted block announced exactly this set."""
    validators = ValidatorSet((*validator_set(FOUR).validators, idle))
    signed = header(2, validators_hash=canonical.validators_hash(validators))
    votes = commit(signed)
    votes = replace(votes, signatures=(*votes.signatures, CommitSig(BlockIdFlag.ABSENT)))
    return ClientHeader(
        LightBlock(SignedHeader(signed, votes), validators), step(block(signed)).trusted_height, validators
    )


def announced(evidence: ClientHeader) -> ConsensusState:
    return replace(TRUSTED, next_validators_hash=canonical.validators_hash(evidence.trusted_validators))


def idle_corruption(
    rule: str, idle: Validator, refusal: type[VerificationError], fields: tuple[object, ...]
) -> Corruption:
    evidence = with_idle(idle)
    return Corruption(rule, evidence, refusal, fields, trusted=announced(evidence))


IDLE = Member(b"\x07" * 32, power=0).validator()
TWICE = (FOUR[0], *FOUR)
HEAVY = members("a", "b", "c", "d", power=2**59)
NO_VALIDATORS = ValidatorSet(())


def empty_block() -> LightBlock:
    signed = header(2, validators_hash=canonical.validators_hash(NO_VALIDATORS))
    return LightBlock(SignedHeader(signed, commit(signed, ())), NO_VALIDATORS)


def of_committee(committee: Sequence[Member]) -> tuple[ClientHeader, ConsensusState]:
    evidence = step(block(header(2, committee), committee), trusted=committee)
    return evidence, announced(evidence)


def late_header_with_votes_of_another() -> ClientHeader:
    honest = block(header(2))
    forged = replace(honest.signed_header.header, app_hash=b"\x01" * 32)
    return step(replace(honest, signed_header=replace(honest.signed_header, header=forged)))


ADDRESSES = [member.validator().address for member in FOUR]
STRANGER = STRANGERS[0].validator().address
SET_HASH = canonical.validators_hash(validator_set(FOUR))
OTHER_HASH = canonical.validators_hash(validator_set(STRANGERS))
HEAVIER = validator_set((*FOUR[:3], replace(FOUR[3], power=11)))
HEAVIER_HASH = canonical.validators_hash(HEAVIER)
SHORT_PARTS = BlockId(canonical.header_hash(header(2)), PartSetHeader(1, b"\x01" * 31))
FORGED = replace(header(2), app_hash=b"\x01" * 32)

CORRUPTIONS = {
    "another block protocol": Corruption(
        "check_block_protocol", changed_header(block_version=10), WrongLedger, ("block protocol", 10, 11)
    ),
    "a hash of 31 bytes": Corruption(
        "check_header_hash_lengths",
        changed_header(consensus_hash=b"\x01" * 31),
        MalformedProof,
        ("consensus hash", 31, "0 or 32 bytes"),
    ),
    "a proposer's address of 19 bytes": Corruption(
        "check_proposer_address_length",
        changed_header(proposer_address=b"\x01" * 19),
        MalformedProof,
        ("proposer address", 19, "20 bytes"),
    ),
    "a long chain id": Corruption(
        "check_chain_id_length",
        step(
            LightBlock(
                SignedHeader(
                    header(2, chain_id=LONG_CHAIN_ID), commit(header(2, chain_id=LONG_CHAIN_ID), chain_id=LONG_CHAIN_ID)
                ),
                validator_set(FOUR),
            )
        ),
        LimitExceeded,
        ("chain id", 51, 50),
        chain_id=LONG_CHAIN_ID,
    ),
    "another chain": Corruption(
        "check_chain_id", changed_header(chain_id="other-7"), WrongLedger, ("chain id", "other-7", CHAIN_ID)
    ),
    "a commit of another height": Corruption(
        "check_commit_height", changed_commit(height=3), ValueMismatch, ("commit height", 3, 2)
    ),
    "a negative round": Corruption(
        "check_commit_round", changed_commit(round=-1), MalformedProof, ("commit round", -1, "at least 0")
    ),
    "a part set hash of 31 bytes": Corruption(
        "check_commit_block_id",
        changed_commit(block_id=SHORT_PARTS),
        MalformedProof,
        ("commit block id", SHORT_PARTS, "hashes of 32 bytes"),
    ),
    "votes for another header": Corruption(
        "check_commit_is_for_header",
        late_header_with_votes_of_another(),
        RootMismatch,
        ("header hash", canonical.header_hash(FORGED), canonical.header_hash(header(2))),
    ),
    "one vote too many": Corruption(
        "check_commit_size",
        changed_votes(lambda votes: (*votes, CommitSig(BlockIdFlag.ABSENT))),
        ValueMismatch,
        ("votes in commit", 5, 4),
        alone=False,
    ),
    "an absent vote with a signature": Corruption(
        "check_vote_shape",
        changed_last_vote(flag=BlockIdFlag.ABSENT),
        MalformedProof,
        ("absent vote", "address, time or signature", "nothing"),
    ),
    "an absent vote with an address": Corruption(
        "check_vote_shape",
        changed_last_vote(flag=BlockIdFlag.ABSENT, signature=b"", time=ZERO_TIME),
        MalformedProof,
        ("absent vote", "address, time or signature", "nothing"),
    ),
    "an absent vote with a time": Corruption(
        "check_vote_shape",
        changed_last_vote(flag=BlockIdFlag.ABSENT, signature=b"", validator_address=b""),
        MalformedProof,
        ("absent vote", "address, time or signature", "nothing"),
    ),
    "a vote for nothing with a short address": Corruption(
        "check_vote_shape",
        changed_last_vote(flag=BlockIdFlag.NIL, validator_address=b"\x01" * 19),
        MalformedProof,
        ("vote address", 19, "20 bytes"),
    ),
    "a vote for nothing without signature": Corruption(
        "check_vote_shape",
        changed_last_vote(flag=BlockIdFlag.NIL, signature=b""),
        MalformedProof,
        ("vote signature", 0, "1 to 64 bytes"),
    ),
    "a vote in the name of a stranger": Corruption(
        "check_vote_is_by",
        changed_votes(lambda votes: (replace(votes[0], validator_address=STRANGER), *votes[1:])),
        ValueMismatch,
        ("voter at index", STRANGER, ADDRESSES[0]),
    ),
    "one wrong signature of four": Corruption(
        "check_vote_signature",
        changed_votes(lambda votes: (replace(votes[0], signature=votes[1].signature), *votes[1:])),
        InvalidSignature,
        (ADDRESSES[0], "ed25519"),
    ),
    "one vote at two places": Corruption(
        "check_not_counted_before",
        changed_votes(lambda votes: (votes[0], votes[0], *votes[2:]), height=5),
        DuplicateSigner,
        (ADDRESSES[0],),
        alone=False,
    ),
    "a set without validators": Corruption(
        "check_set_is_not_empty",
        step(empty_block()),
        MalformedProof,
        ("validator set", 0, "at least 1 validator"),
        alone=False,
    ),
    "a key of 31 bytes": idle_corruption(
        "check_validator_keys",
        Validator(
            canonical.address(PublicKey(KeyType.ED25519, b"\x01" * 31)), PublicKey(KeyType.ED25519, b"\x01" * 31), 0
        ),
        MalformedProof,
        ("validator key", 31, 32),
    ),
    "an address of another key": idle_corruption(
        "check_validator_addresses",
        replace(IDLE, address=STRANGER),
        ValueMismatch,
        ("validator address", STRANGER, IDLE.address),
    ),
    "a negative power": idle_corruption(
        "check_powers", replace(IDLE, power=-1), MalformedProof, ("voting power", -1, "at least 0")
    ),
    "more power than CometBFT counts": Corruption(
        "check_powers",
        of_committee(HEAVY)[0],
        LimitExceeded,
        ("total voting power", 2**61, (2**63 - 1) // 8),
        trusted=of_committee(HEAVY)[1],
    ),
    "one validator two times in the set": Corruption(
        "check_validators_are_distinct",
        of_committee(TWICE)[0],
        DuplicateSigner,
        (ADDRESSES[0],),
        trusted=of_committee(TWICE)[1],
    ),
    "a set that the header does not name": Corruption(
        "check_validators_hash",
        step(replace(block(header(2)), validators=HEAVIER)),
        RootMismatch,
        ("validators hash", HEAVIER_HASH, SET_HASH),
    ),
    "a set that is not the trusted one": Corruption(
        "check_trusted_validators_hash",
        replace(step(block(header(2))), trusted_validators=HEAVIER),
        RootMismatch,
        ("trusted validators hash", HEAVIER_HASH, SET_HASH),
    ),
    "a next block of strangers": Corruption(
        "check_next_validators_hash",
        step(block(header(2, STRANGERS), STRANGERS)),
        ValueMismatch,
        ("next validators hash", OTHER_HASH, SET_HASH),
    ),
    "the trusted height again": Corruption(
        "check_height_increases", step(block(header(3)), trusted_height=3), HeightNotIncreasing, (3, 3)
    ),
    "the trusted time again": Corruption(
        "check_time_increases", changed_header(time=TRUSTED.time), TimeNotIncreasing, (TRUSTED.time, TRUSTED.time)
    ),
    "a block from the future": Corruption(
        "check_not_from_future",
        changed_header(time=NOW + 10 * SECOND),
        HeaderFromFuture,
        (START + 1010, START + 1000, 10),
    ),
    "a far block of strangers": Corruption(
        "check_trust", step(block(header(5, STRANGERS), STRANGERS)), NotEnoughTrust, (0, 40)
    ),
    "half of the votes": Corruption(
        "check_quorum", step(block(header(2), absent=[0, 2])), InsufficientVotingPower, (20, 40, "validator set")
    ),
}


def believe(corruption: Corruption) -> ConsensusState:
    return spec.verify_step(
        corruption.evidence, corruption.trusted, chain_id=corruption.chain_id, parameters=PARAMETERS, now=NOW
    )


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_corruption_is_refused_for_its_own_reason(name: str) -> None:
    with pytest.raises(CORRUPTIONS[name].refusal) as refused:
        believe(CORRUPTIONS[name])
    assert tuple(vars(refused.value).values()) == CORRUPTIONS[name].fields


@pytest.mark.parametrize("name", [name for name, each in CORRUPTIONS.items() if each.alone])
def test_without_its_rule_the_corruption_would_be_believed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, CORRUPTIONS[name].rule, lambda *_args, **_named: None)
    believe(CORRUPTIONS[name])


# Rules that no step meets; each is tested by its own name below or in test_client.py.
BESIDE_STEPS = {
    "check_header_height_is_positive",
    "check_header_names_its_validators",
    "check_revision",
    "check_within_trusting_period",
    "check_checkpoint",
    "check_not_frozen",
    "check_headers_conflict",
}


def test_every_rule_has_its_corruption() -> None:
    stated = {name for name in vars(rules) if name.startswith("check_")}
    assert stated == {each.rule for each in CORRUPTIONS.values()} | BESIDE_STEPS


def test_a_checkpoint_at_height_0_is_refused() -> None:
    first = block(header(0))
    with pytest.raises(MalformedProof, match="header height got=0"):
        spec.verify_checkpoint(
            first, chain_id=CHAIN_ID, height=0, header_hash=canonical.header_hash(first.signed_header.header)
        )


def test_a_checkpoint_at_another_height_is_refused() -> None:
    first = block(header(3))
    with pytest.raises(ValueMismatch, match="checkpoint height got=3 expected=2"):
        spec.verify_checkpoint(
            first, chain_id=CHAIN_ID, height=2, header_hash=canonical.header_hash(first.signed_header.header)
        )


def test_a_header_that_names_no_validators_is_refused() -> None:
    signed = header(2, validators_hash=b"")
    with pytest.raises(MalformedProof, match="validators hash got= expected=32 bytes"):
        spec.check_header(SignedHeader(signed, commit(signed)), CHAIN_ID)


def test_trust_ends_with_the_last_nanosecond_of_its_period() -> None:
    rules.check_within_trusting_period(100, now=109, trusting_period=10)
    with pytest.raises(TrustExpired):
        rules.check_within_trusting_period(100, now=110, trusting_period=10)


@pytest.mark.parametrize("level", ((1, 3), (2, 3), (1, 1), (34, 100)))
def test_a_trust_level_from_a_third_to_all_is_possible(level: tuple[int, int]) -> None:
    check_trust_level(TrustLevel(*level))


@pytest.mark.parametrize("level", ((0, 0), (0, 3), (33, 100), (4, 3), (1, 0)))
def test_no_other_trust_level_is(level: tuple[int, int]) -> None:
    with pytest.raises(MalformedProof, match="trust level"):
        check_trust_level(TrustLevel(*level))


@pytest.mark.parametrize(
    ("periods", "error", "part"),
    (
        ((0, 2, 1), MalformedProof, "trusting period"),
        ((2, 2, 1), MalformedProof, "trusting period"),
        ((1, 2, 0), MalformedProof, "max clock drift"),
        ((1, 2, 2**64), LimitExceeded, "period got=18446744073709551616"),
        ((1, 2**64, 1), LimitExceeded, "period got=18446744073709551616"),
    ),
)
def test_impossible_periods_are_refused(periods: tuple[int, int, int], error: type[InvalidProof], part: str) -> None:
    trusting, unbonding, drift = periods
    with pytest.raises(error, match=part):
        check_periods(Parameters(trusting, unbonding, drift))


def test_both_thresholds_are_exact_where_floating_point_is_not() -> None:
    """One unit above the threshold, of a total that no 53-bit float tells apart."""
    total = 3 * (2**58)
    rules.check_quorum(signed=2**59 + 1, total=total)
    rules.check_trust(signed=2**58 + 1, total=total, level=TrustLevel())
    with pytest.raises(InsufficientVotingPower):
        rules.check_quorum(signed=2**59, total=total)
    with pytest.raises(NotEnoughTrust):
        rules.check_trust(signed=2**58, total=total, level=TrustLevel())


def test_a_chain_id_has_1_to_50_bytes() -> None:
    rules.check_chain_id_length("a")
    rules.check_chain_id_length("a" * 50)
    for chain_id, size in (("", 0), ("é" * 26, 52)):
        with pytest.raises(LimitExceeded) as refused:
            rules.check_chain_id_length(chain_id)
        assert refused.value.got == size


def test_the_largest_total_power_is_allowed() -> None:
    rules.check_powers(ValidatorSet((replace(IDLE, power=rules.TOTAL_POWER_MAX),)))
    with pytest.raises(LimitExceeded):
        rules.check_powers(ValidatorSet((replace(IDLE, power=rules.TOTAL_POWER_MAX), replace(IDLE, power=1))))
