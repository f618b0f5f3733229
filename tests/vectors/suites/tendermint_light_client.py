"""Light client traces, real commits, IBC headers and encodings of CometBFT and its users.

A trace is judged step by step: each step starts from what our own verifier believed before it, never from what the
file says about the steps before.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

from proofs.cometbft import canonical, spec
from proofs.cometbft import predicates as rules
from proofs.cometbft.bisection import Bisection
from proofs.cometbft.chain_id import revision_of
from proofs.cometbft.client import CometBftClient, bootstrap
from proofs.cometbft.host import HostLayout
from proofs.cometbft.ibc_messages import (
    decode_client_header,
    decode_client_state,
    decode_consensus_state,
    encode_client_header,
    encode_light_block,
)
from proofs.cometbft.types import (
    SECOND,
    BlockIdFlag,
    ClientHeader,
    CommitSig,
    ConsensusState,
    LightBlock,
    Parameters,
    SignedHeader,
    TrustLevel,
    ValidatorSet,
)
from proofs.errors import NotEnoughTrust, ValueMismatch, VerificationError
from proofs.light_client import Height
from proofs.merkle import rfc6962
from proofs.primitives.hashing import sha256
from tests.proofs.cometbft.rpc_json import (
    read_block_id,
    read_header,
    read_light_block,
    read_signed_header,
    read_time,
    read_validators,
)
from tests.vectors.case import ACCEPT, Case, accept_if, value
from tests.vectors.files import DataFile, Files


def cases(files: Files) -> Iterator[Case]:
    for file in files.matching("mbt_single_step/*.json"):
        yield from _model_based(file)
    for file in files.matching("conformance/single_step/*.json"):
        yield _single_step(file)
    for file in files.matching("conformance/bisection/*.json"):
        yield _bisection(file)
    yield from _real_commits(files)
    for file in files.named("ibc_headers/update_client.json"):
        yield from _ibc_headers(file)
    yield from _encodings(files)
    yield from _rpc_samples(files)
    for file in files.matching("headers/*.json"):
        signed = read_signed_header(file.json())
        yield Case(file, "decodes and encodes", value(signed), partial(_through_protobuf, signed))


# --- traces of single steps


@dataclass(frozen=True, slots=True)
class Trusted:
    height: int
    state: ConsensusState
    next_validators: ValidatorSet


@dataclass(frozen=True, slots=True)
class Try:
    block: LightBlock
    next_validators: ValidatorSet
    now: int


def _model_based(file: DataFile) -> Iterator[Case]:
    """After an accepted block the trace goes on from it, otherwise from where it was."""
    json = file.json()
    start, period = _initial(json, sort=True)
    tries = [_try(each["block"], read_time(each["now"]), sort=True) for each in json["input"]]
    for number, each in enumerate(json["input"], 1):
        expected = accept_if(each["verdict"] == "SUCCESS")
        yield Case(file, f"step {number}", expected, partial(_last_of_trace, start, tries[:number], period))


def _last_of_trace(start: Trusted, tries: Sequence[Try], period: int) -> None:
    trusted = start
    for attempt in tries[:-1]:
        try:
            trusted = _advance(trusted, attempt, period)
        except VerificationError:
            continue
    _advance(trusted, tries[-1], period)


def _single_step(file: DataFile) -> Case:
    """Every block of the file must be accepted, one from the other."""
    json = file.json()
    start, period = _initial(json)
    now = read_time(json["initial"]["now"])
    tries = [_try(each, now) for each in json["input"]]
    expected = accept_if(json["expected_output"] == "no error")
    return Case(file, json["description"], expected, partial(_whole_trace, start, tries, period))


def _whole_trace(start: Trusted, tries: Sequence[Try], period: int) -> None:
    trusted = start
    for attempt in tries:
        trusted = _advance(trusted, attempt, period)


def _advance(trusted: Trusted, attempt: Try, period: int) -> Trusted:
    rules.check_within_trusting_period(trusted.state.time, now=attempt.now, trusting_period=period)
    chain_id = attempt.block.signed_header.header.chain_id
    step = ClientHeader(attempt.block, Height(revision_of(chain_id), trusted.height), trusted.next_validators)
    parameters = Parameters(period, 2 * period, 0)
    state = spec.verify_step(step, trusted.state, chain_id=chain_id, parameters=parameters, now=attempt.now)
    return Trusted(attempt.block.signed_header.header.height, state, attempt.next_validators)


def _initial(json: Any, *, sort: bool = False) -> tuple[Trusted, int]:
    initial = json["initial"]
    signed = read_signed_header(initial["signed_header"])
    validators = _set(initial["next_validator_set"], sort=sort)
    trusted = Trusted(signed.header.height, spec.consensus_state(signed), validators)
    return trusted, int(initial["trusting_period"])


def _try(json: Any, now: int, *, sort: bool = False) -> Try:
    block = LightBlock(read_signed_header(json["signed_header"]), _set(json["validator_set"], sort=sort))
    if sort:
        block = _aligned(block)
    return Try(block, _set(json["next_validator_set"], sort=sort), now)


def _set(json: Any, *, sort: bool) -> ValidatorSet:
    """The model writes sets in no order; a chain orders them by power, then by address."""
    validators = read_validators(json or [])
    if not sort:
        return validators
    ordered = sorted(validators.validators, key=lambda each: (-each.power, each.address))
    return ValidatorSet(tuple(ordered))


def _aligned(block: LightBlock) -> LightBlock:
    """The model leaves absent votes out or dates them 1970; a chain gives each validator a place and absence no date.

    A commit with votes of strangers, or with two votes of one validator, stays as it is.
    """
    commit = block.signed_header.commit
    given = [vote for vote in commit.signatures if vote.flag is not BlockIdFlag.ABSENT]
    votes = {vote.validator_address: vote for vote in given}
    places = {validator.address for validator in block.validators.validators}
    if len(votes) != len(given) or not votes.keys() <= places:
        return block
    absent = CommitSig(BlockIdFlag.ABSENT)
    aligned = tuple(votes.get(validator.address, absent) for validator in block.validators.validators)
    signed = SignedHeader(block.signed_header.header, replace(commit, signatures=aligned))
    return LightBlock(signed, block.validators)


# --- bisection over the blocks of a primary, then of its witnesses


@dataclass(frozen=True, slots=True)
class Provider:
    blocks: dict[int, LightBlock]
    next_validators: dict[int, ValidatorSet]


def _bisection(file: DataFile) -> Case:
    json = file.json()
    options = json["trust_options"]
    level = options["trust_level"]
    period = int(options["period"])
    parameters = Parameters(
        period, 2 * period, 10 * SECOND, TrustLevel(int(level["numerator"]), int(level["denominator"]))
    )
    providers = [_provider(each) for each in (json["primary"], *json["witnesses"])]
    start = (int(options["height"]), bytes.fromhex(options["hash"]))
    now = read_time(json["now"]) // SECOND
    verify = partial(_all_agree, providers, start, parameters, int(json["height_to_verify"]), now)
    return Case(file, json["description"], accept_if(json["expected_output"] == "no error"), verify)


def _provider(json: Any) -> Provider:
    blocks = [(read_light_block(each), read_validators(each["next_validator_set"])) for each in json["lite_blocks"]]
    heights = [block.signed_header.header.height for block, _ in blocks]
    return Provider(
        dict(zip(heights, (block for block, _ in blocks), strict=True)),
        dict(zip(heights, (following for _, following in blocks), strict=True)),
    )


def _all_agree(
    providers: Sequence[Provider], start: tuple[int, bytes], parameters: Parameters, target: int, now: int
) -> None:
    """One client hears all of them: a second valid block at a height freezes it."""
    height, header_hash = start
    first = providers[0].blocks[height]
    client = bootstrap(
        encode_light_block(first),
        chain_id=first.signed_header.header.chain_id,
        height=height,
        header_hash=header_hash,
        parameters=parameters,
        host=HostLayout(),
    )
    for provider in providers:
        client = _led_by(provider, client, height, target, now)
        rules.check_not_frozen(client.frozen_at)


def _led_by(provider: Provider, client: CometBftClient, height: int, target: int, now: int) -> CometBftClient:
    way = Bisection.between(height, target)
    while way.wanted is not None:
        if way.wanted not in provider.blocks:
            raise ValueMismatch("block of provider", got=None, expected=way.wanted)
        step = ClientHeader(
            provider.blocks[way.wanted], Height(client.revision, way.trusted), provider.next_validators[way.trusted]
        )
        try:
            client = client.update(encode_client_header(step), now=now)
        except NotEnoughTrust:
            way = way.too_far()
        else:
            way = way.accepted()
    return client


# --- real chains


def _real_commits(files: Files) -> Iterator[Case]:
    for file in files.matching("real_commits/*/signed_block.json"):
        yield Case(file, "commit", ACCEPT, partial(_committed, read_light_block(file.json()["result"])))
    for file in files.matching("real_commits/*/commit.json"):
        validators = files.one(file.name.replace("commit.json", "validators_1.json"))
        assert validators is not None, "a commit comes with its set"
        signed = read_signed_header(file.json()["result"]["signed_header"])
        block = LightBlock(signed, read_validators(validators.json()["result"]))
        yield Case(file, "commit", ACCEPT, partial(_committed, block))
    for file in files.matching("real_commits/*/extended_header_block_*.json"):
        yield Case(file, "commit", ACCEPT, partial(_committed, read_light_block(file.json())))
    for file in files.matching("real_commits/*/chain3_headers_*.json"):
        yield from _consecutive(file)
    for file in files.named("real_commits/celestia_mocha-4/skip_pairs.json"):
        yield from _skip_pairs(files, file)


def _committed(block: LightBlock) -> ConsensusState:
    header = block.signed_header.header
    return spec.verify_checkpoint(
        block,
        chain_id=header.chain_id,
        height=header.height,
        header_hash=block.signed_header.commit.block_id.hash,
    )


def _consecutive(file: DataFile) -> Iterator[Case]:
    blocks = [read_light_block(each) for each in file.json()]
    yield Case(file, f"height {blocks[0].signed_header.header.height}", ACCEPT, partial(_committed, blocks[0]))
    for before, block in pairwise(blocks):
        height = block.signed_header.header.height
        yield Case(file, f"height {height}", ACCEPT, partial(_skips, before, block, block.validators))


def _skip_pairs(files: Files, file: DataFile) -> Iterator[Case]:
    """The trusted block's own set stands for the next one: over these heights the sets are announced unchanged."""
    for entry in file.json():
        trusted, untrusted = (_mocha(files, entry[name]) for name in ("trusted", "untrusted"))
        verify = partial(_skips, trusted, untrusted, trusted.validators)
        yield Case(file, entry["name"], accept_if(entry["verdict"] == "SUCCESS"), verify)


def _mocha(files: Files, height: int) -> LightBlock:
    file = files.one(f"real_commits/celestia_mocha-4/{height}/signed_block.json")
    assert file is not None, "a pair refers to blocks of the suite"
    return read_light_block(file.json()["result"])


def _skips(trusted: LightBlock, block: LightBlock, next_validators: ValidatorSet) -> ConsensusState:
    header = trusted.signed_header.header
    period = 10**18
    return spec.verify_step(
        ClientHeader(block, Height(revision_of(header.chain_id), header.height), next_validators),
        spec.consensus_state(trusted.signed_header),
        chain_id=header.chain_id,
        parameters=Parameters(period, 2 * period, 0),
        now=block.signed_header.header.time + SECOND,
    )


def _ibc_headers(file: DataFile) -> Iterator[Case]:
    for entry in file.json():
        verify = partial(
            _ibc_update,
            bytes.fromhex(entry["client_state_hex"]),
            bytes.fromhex(entry["trusted_consensus_state_hex"]),
            int(entry["trusted_consensus_height"]),
            bytes.fromhex(entry["header_protobuf_hex"]),
            int(entry["current_time_ns"]),
        )
        yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), verify)


def _ibc_update(client: bytes, consensus: bytes, height: int, header: bytes, now: int) -> ConsensusState:
    state, trusted, step = decode_client_state(client), decode_consensus_state(consensus), decode_client_header(header)
    revision = revision_of(state.chain_id)
    rules.check_not_frozen(state.frozen_height.number or None)
    rules.check_revision(step.trusted_height, revision)
    if step.trusted_height.number != height:
        raise ValueMismatch("trusted height", got=step.trusted_height.number, expected=height)
    rules.check_within_trusting_period(trusted.time, now=now, trusting_period=state.parameters.trusting_period)
    return spec.verify_step(step, trusted, chain_id=state.chain_id, parameters=state.parameters, now=now)


# --- encodings


def _encodings(files: Files) -> Iterator[Case]:
    for file in files.named("encoding/vote_sign_bytes.json"):
        for entry in file.json():
            sign_bytes = partial(
                canonical.vote_sign_bytes,
                chain_id=entry["chain_id"],
                vote_type=entry["type"],
                height=entry["height"],
                round_=entry["round"],
                block=read_block_id(entry["block_id"]),
                time=read_time(entry["timestamp"]),
            )
            yield Case(file, entry["name"], value(bytes.fromhex(entry["want_sign_bytes_hex"])), sign_bytes)
    for file in files.named("encoding/header_hash.json"):
        for entry in file.json():
            wanted = entry["want_hash"]
            expected = accept_if(False) if wanted is None else value(bytes.fromhex(wanted))
            yield Case(file, entry["name"], expected, partial(_hash_of, read_header(entry["header"])))
    for file in files.named("encoding/rfc6962_hasher.json"):
        for entry in file.json():
            yield _tree(file, entry)


def _hash_of(header: Any) -> bytes:
    rules.check_header_names_its_validators(header)
    return canonical.header_hash(header)


def _tree(file: DataFile, entry: Any) -> Case:
    if "inner_children_hex" in entry:
        left, right = (bytes.fromhex(child) for child in entry["inner_children_hex"])
        inner = value(bytes.fromhex(entry["want_inner_hash"]))
        return Case(file, entry["name"], inner, partial(rfc6962.inner_hash, left, right))
    leaves = [bytes.fromhex(leaf) for leaf in entry["leaves_hex"]]
    return Case(file, entry["name"], value(bytes.fromhex(entry["want_root"])), partial(rfc6962.root_of, leaves))


def _through_protobuf(signed: SignedHeader) -> SignedHeader:
    block = LightBlock(signed, ValidatorSet(()))
    step = ClientHeader(block, Height(0, 1), ValidatorSet(()))
    return decode_client_header(encode_client_header(step)).block.signed_header


# --- answers of nodes: what they carry must hash to what they name


def _rpc_samples(files: Files) -> Iterator[Case]:
    for file in files.matching("rpc_samples/*/block_*.json"):
        result = file.json()["result"]
        header = read_header(result["block"]["header"])
        yield Case(file, "header hash", value(read_block_id(result["block_id"]).hash), partial(_hash_of, header))
    for file in files.matching("rpc_samples/*/commit_*.json"):
        signed = read_signed_header(file.json()["result"]["signed_header"])
        yield Case(file, "header and commit", ACCEPT, partial(spec.check_header, signed, signed.header.chain_id))
    for file in files.matching("rpc_samples/*/tx_search_*.json"):
        for number, entry in enumerate(file.json()["result"]["txs"], 1):
            yield Case(file, f"transaction {number}", ACCEPT, _transaction(entry["proof"]))
    for file in files.matching("rpc_samples/*/genesis.json"):
        first = files.one(file.name.replace("genesis.json", "block_at_height_1.json"))
        assert first is not None, "a genesis comes with its first block"
        wanted = read_header(first.json()["result"]["block"]["header"]).validators_hash
        validators = read_validators(file.json()["result"]["genesis"].get("validators"))
        if validators.validators:  # else they are in transactions of the application
            yield Case(file, "validators hash", value(wanted), partial(canonical.validators_hash, validators))


def _transaction(json: Any) -> partial[None]:
    proof = json["proof"]
    return partial(
        rfc6962.verify_inclusion,
        sha256(b64decode(json["data"])),
        [b64decode(aunt) for aunt in proof["aunts"]],
        index=int(proof["index"]),
        size=int(proof["total"]),
        root=bytes.fromhex(json["root_hash"]),
    )
