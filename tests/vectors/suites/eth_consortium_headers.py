"""Headers of Clique, Istanbul, IBFT 2 and QBFT: hashes, signers, seals, quorums, and who may sign after which votes.

Chains that the files describe in words (EIP-225, quorums) are built and sealed here with keys of our own. Live blocks
are also judged with each change that the README calls a rejection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from proofs.ethereum.execution import ExecutionHeader, decode_header
from proofs.ethereum.receipts import Log, Receipt, encode_receipt
from proofs.merkle.patricia_root import ordered_root
from proofs.poa.clique import predicates as clique
from proofs.poa.clique.spec import verify_branch, verify_checkpoint
from proofs.poa.clique.types import Parameters
from proofs.poa.qbft import predicates as bft
from proofs.poa.qbft import spec as bft_spec
from proofs.poa.qbft.extra_data import (
    block_hash,
    commit_digest,
    decode_extra_data,
    encode_extra_data,
    proposal_digest,
)
from proofs.poa.qbft.steps import Step
from proofs.poa.qbft.types import Block, Flavour
from proofs.poa.qbft.types import Parameters as BftParameters
from tests.proofs.poa.builders import (
    START,
    Sealing,
    Signer,
    addresses,
    bft_header,
    bft_sealed,
    clique_genesis,
    clique_sealed,
    header,
    listed,
    signer,
    signers,
)
from tests.vectors.case import REJECT, Case, accept_if, value
from tests.vectors.execution_json import header_of
from tests.vectors.files import DataFile, Files

FAR_FUTURE = 1 << 40
# Every field that a seal speaks about, but for the extra data.
CHANGED_FIELDS = (
    "parent_hash",
    "ommers_hash",
    "beneficiary",
    "state_root",
    "transactions_root",
    "receipts_root",
    "logs_bloom",
    "difficulty",
    "number",
    "gas_limit",
    "gas_used",
    "timestamp",
    "mix_hash",
    "nonce",
)
ZERO_HEADER = ExecutionHeader(
    bytes(32),
    bytes(32),
    bytes(20),
    bytes(32),
    bytes(32),
    bytes(32),
    bytes(256),
    difficulty=0,
    number=0,
    gas_limit=0,
    gas_used=0,
    timestamp=0,
    extra_data=b"",
    mix_hash=bft.BFT_MIX_DIGEST,
    nonce=bytes(8),
)
EIP225 = Parameters(epoch_length=30_000, period=1, confirmations=1, trusting_period=1 << 31, clock_drift=0)


def cases(files: Files) -> Iterator[Case]:
    yield from _clique(files)
    yield from _extra_data(files)
    yield from _quorums(files)
    yield from _recorded(files)
    yield from _live(files)


def _clique(files: Files) -> Iterator[Case]:
    for file in files.named("clique/extra_data_shape.json"):
        for entry in file.json():
            extra_data = _bytes(entry["extraData"])
            judged = partial(clique.decode_extra_data, extra_data)
            yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), judged)
    for file in files.named("clique/rinkeby_30000.json"):
        entry = file.json()
        real = header_of(entry["header"])
        yield Case(file, "hash", value(_bytes(entry["expected_hash"])), real.hash)
        yield Case(file, "signer", value(_bytes(entry["signer"])), partial(_clique_signer, real))
        in_extra = tuple(_bytes(each) for each in entry["validators_in_extra"])
        yield Case(file, "signers", value(in_extra), partial(_clique_signers, real))
        genesis = header_of(entry["genesis_header"])
        genesis_signer = value(_bytes(entry["expected_genesis_signer"]))
        yield Case(file, "genesis signer", genesis_signer, partial(_checkpoint_signer, genesis))
    for file in files.named("clique/eip225_voting.json"):
        for entry in file.json():
            final = entry["final_signers"]
            names = {*_names(entry), *(final or ())}
            keys = {name: signer(name) for name in names}
            expected = accept_if(entry["expect"] == "accept")
            if expected.verdict == "accept":
                expected = value(tuple(sorted(keys[name].address for name in final)))
            scenario = {"epoch": entry["epoch"], "signers": entry["signers"], "blocks": entry["blocks"]}
            yield Case(file, entry["name"], expected, partial(_voted, scenario, keys))


def _clique_signer(sealed: ExecutionHeader) -> bytes:
    return clique.signer_of(sealed, clique.decode_extra_data(sealed.extra_data))


def _checkpoint_signer(genesis: ExecutionHeader) -> bytes:
    return verify_checkpoint(genesis, EIP225).signer


def _clique_signers(sealed: ExecutionHeader) -> tuple[bytes, ...]:
    return clique.decode_extra_data(sealed.extra_data).signers


def _names(entry: Mapping[str, Any]) -> Iterator[str]:
    yield from entry["signers"]
    for block in entry["blocks"]:
        yield block["signer"]
        yield from filter(None, [block["voted"]])
        yield from block["checkpoint"] or ()


def _voted(scenario: Mapping[str, Any], keys: Mapping[str, Signer]) -> tuple[bytes, ...]:
    """Who may sign after the blocks of the scenario, made and sealed here with keys of our own."""
    genesis = clique_genesis([keys[name] for name in scenario["signers"]])
    parameters = replace(EIP225, epoch_length=scenario["epoch"])
    trusted, parent = verify_checkpoint(genesis, parameters), genesis
    for block in scenario["blocks"]:
        parent = _block(parent, block, keys, trusted.ballot.members)
        (trusted,) = verify_branch(trusted, [parent], parameters, now=START + 1_000_000)
    return trusted.ballot.members


def _block(
    parent: ExecutionHeader, block: Mapping[str, Any], keys: Mapping[str, Signer], members: tuple[bytes, ...]
) -> ExecutionHeader:
    by = keys[block["signer"]]
    number = parent.number + 1
    in_turn = by.address in members and members.index(by.address) == number % len(members)
    unsealed = header(
        number,
        parent_hash=parent.hash(),
        beneficiary=keys[block["voted"]].address if block["voted"] else bytes(20),
        nonce=clique.VOTE_IN if block["auth"] else clique.VOTE_OUT,
        difficulty=2 if in_turn else 1,
        extra_data=bytes(32) + listed([keys[name] for name in block["checkpoint"] or ()]) + bytes(65),
    )
    return clique_sealed(unsealed, by)


def _extra_data(files: Files) -> Iterator[Case]:
    for name, scheme in (
        ("qbft/besu_extra_data_codec.json", "qbft"),
        ("qbft/extra_data_elc.json", "qbft"),
        ("istanbul_quorum/extra_data.json", "istanbul"),
    ):
        for file in files.named(name):
            entries = file.json()
            for number, entry in enumerate(entries.values() if isinstance(entries, dict) else entries):
                extra_data = _bytes(entry["extraData"])
                flavour = Flavour(entry.get("scheme", scheme))
                title = f"{number} {entry.get('name', '')}"
                expected = accept_if(entry.get("expect", "accept") == "accept")
                if expected.verdict == "accept":
                    expected = value(extra_data)
                yield Case(file, title, expected, partial(_recoded, extra_data, flavour))
                if entry.get("expected_hash"):
                    bare = replace(ZERO_HEADER, extra_data=extra_data)
                    yield Case(
                        file, f"{title}: hash", value(_bytes(entry["expected_hash"])), partial(_hash, bare, flavour)
                    )
    for file in files.named("qbft/bft_extra_data.json"):
        for name, entry in file.json().items():
            # The codec that QBFT had before its specification settled, which Besu's IBFT 2 still has.
            said = entry["qbft_extra_data"]
            yield Case(file, name, value(_said(said)), partial(_told, _bytes(entry["rlp"])))
            yield Case(
                file,
                f"{name}: again",
                value(_bytes(entry["rlp"])),
                partial(_recoded, _bytes(entry["rlp"]), Flavour.IBFT2),
            )


def _recoded(extra_data: bytes, flavour: Flavour) -> bytes:
    return encode_extra_data(decode_extra_data(extra_data, flavour), flavour)


def _said(said: Mapping[str, Any]) -> tuple[object, ...]:
    vote = said["vote"]
    return (
        _bytes(said["vanityData"]),
        tuple(_bytes(each) for each in said["validators"]),
        None if vote is None else (_bytes(vote["recipient"]), vote["voteType"] == "0xff"),
        said["round"],
        tuple(_bytes(each) for each in said["seals"]),
    )


def _told(extra_data: bytes) -> tuple[object, ...]:
    extra = decode_extra_data(extra_data, Flavour.IBFT2)
    return extra.vanity, extra.validators, extra.vote, extra.round, extra.seals


def _hash(sealed: ExecutionHeader, flavour: Flavour) -> bytes:
    return block_hash(sealed, decode_extra_data(sealed.extra_data, flavour), flavour)


def _commit_hash(sealed: ExecutionHeader, flavour: Flavour) -> bytes:
    return commit_digest(sealed, decode_extra_data(sealed.extra_data, flavour), flavour)


def _committers(sealed: ExecutionHeader, flavour: Flavour) -> list[bytes]:
    digest = _commit_hash(sealed, flavour)
    return [bft.seal_signer(digest, seal) for seal in decode_extra_data(sealed.extra_data, flavour).seals]


def _validators(sealed: ExecutionHeader, flavour: Flavour) -> list[bytes]:
    return list(decode_extra_data(sealed.extra_data, flavour).validators)


def _proposer(sealed: ExecutionHeader) -> bytes:
    extra = decode_extra_data(sealed.extra_data, Flavour.ISTANBUL)
    return bft.seal_signer(proposal_digest(sealed, extra), extra.proposer_seal)


def _parameters(flavour: Flavour, epoch_length: int = 30_000) -> BftParameters:
    return BftParameters(flavour, epoch_length, trusting_period=1 << 31, clock_drift=0)


def _sealed_by(trusted: Sequence[bytes], sealed: ExecutionHeader, flavour: Flavour) -> bytes:
    """The hash of a block that follows from a parent whose validators are trusted."""
    validators = tuple(sorted(trusted))
    number, time = sealed.number - 1, sealed.timestamp - 1
    parent = Block(number, sealed.parent_hash, bytes(32), bytes(32), time, validators, votes=None)
    return bft_spec.verify_step(parent, Step(sealed), _parameters(flavour), now=FAR_FUTURE).hash


def _quorums(files: Files) -> Iterator[Case]:
    for file in files.named("bft_quorum/commit_seal_quorum.json"):
        for entry in file.json():
            for flavour in (Flavour.IBFT2, Flavour.QBFT):
                asked = partial(
                    _quorum, entry["validators"], entry["committers"], bool(entry.get("duplicate")), flavour
                )
                yield Case(file, f"{entry['name']}, {flavour.value}", accept_if(entry["expect"] == "accept"), asked)


def _quorum(validators: int, committers: int, is_duplicate: bool, flavour: Flavour) -> None:
    members = signers(validators)
    by = members[:1] * committers if is_duplicate else members[:committers]
    _sealed_by(addresses(members), bft_header(1, Sealing(flavour, addresses(members), tuple(by), members[0])), flavour)


def _recorded(files: Files) -> Iterator[Case]:
    for file in files.matching("istanbul_quorum/*.json"):
        entry = {} if "extra_data" in file.name else file.json()
        if "header" not in entry:
            continue
        sealed, flavour = header_of(entry["header"]), Flavour.ISTANBUL
        validators = [_bytes(each) for each in entry["validators"]]
        yield Case(file, "hash", value(_bytes(entry["expected_hash"])), partial(_hash, sealed, flavour))
        yield Case(file, "validators", value(validators), partial(_validators, sealed, flavour))
        yield Case(file, "proposer", value(_bytes(entry["proposer"])), partial(_proposer, sealed))
        committers = [_bytes(each) for each in entry["committers"]]
        yield Case(file, "committers", value(committers), partial(_committers, sealed, flavour))
        followed = partial(_sealed_by, validators, sealed, flavour)
        yield Case(file, "followed", value(_bytes(entry["expected_hash"])), followed)
        yield from _rejections(file, "", sealed, validators, flavour)
    for file in files.named("ibft2/besu_hashing.json"):
        entry = file.json()
        sealed, flavour = header_of(entry["header"]), Flavour.IBFT2
        validators = [_bytes(each) for each in entry["validators_in_extra"]]
        yield Case(file, "hash", value(_bytes(entry["on_chain_hash"])), partial(_hash, sealed, flavour))
        digest = value(_bytes(entry["committed_seal_data_hash"]))
        yield Case(file, "sealed hash", digest, partial(_commit_hash, sealed, flavour))
        committers = [_bytes(each) for each in entry["committers"]]
        yield Case(file, "committers", value(committers), partial(_committers, sealed, flavour))
        yield Case(file, "followed", REJECT, partial(_sealed_by, validators, sealed, flavour))
    for file in files.named("qbft/besu_header_7528.json"):
        yield from _besu_header(file)


def _besu_header(file: DataFile) -> Iterator[Case]:
    entry, flavour = file.json(), Flavour.QBFT
    sealed = decode_header(_bytes(entry["header_rlp"]))
    bare = decode_header(_bytes(entry["header_rlp_without_seals"]))
    yield Case(file, "hash", value(_bytes(entry["on_chain_block_hash_computed"])), partial(_hash, sealed, flavour))
    yield Case(file, "sealed hash", value(_bytes(entry["commit_hash"])), partial(_commit_hash, sealed, flavour))
    yield Case(file, "sealed hash without seals", value(_bytes(entry["commit_hash"])), bare.hash)
    committers = [_bytes(each) for each in entry["recovered_committers"]]
    yield Case(file, "committers", value(committers), partial(_committers, sealed, flavour))
    yield Case(file, "round", value(entry["round"]), lambda: decode_extra_data(sealed.extra_data, flavour).round)
    yield Case(file, "state root", value(_bytes(entry["state_root"])), lambda: sealed.state_root)
    for number, check in enumerate(entry["checks"]):
        judged = decode_header(_bytes(entry[check["input"]]))
        trusted = [_bytes(each) for each in entry[check["trusted_validators"]]]
        expected = accept_if(check["expect"] == "accept")
        yield Case(file, f"check {number}", expected, partial(_sealed_by, trusted, judged, flavour))
    yield from _rejections(file, "", sealed, [_bytes(each) for each in entry["validators"]], flavour)


def _rejections(
    file: DataFile, title: str, sealed: ExecutionHeader, validators: Sequence[bytes], flavour: Flavour
) -> Iterator[Case]:
    """One change each to a block that a quorum sealed."""
    extra = decode_extra_data(sealed.extra_data, flavour)
    strangers = signers(len(validators))
    few = extra.seals[: flavour.quorum(len(validators)) - 1]
    outsider = strangers[0].seal(commit_digest(sealed, extra, flavour))
    changed = {name: _with_other(sealed, name) for name in CHANGED_FIELDS}
    for name, other in {
        "one seal fewer than the quorum": replace(extra, seals=few),
        "one seal of the quorum repeated": replace(extra, seals=(*few, few[0])),
        "one seal too many, repeated": replace(extra, seals=(*extra.seals, extra.seals[0])),
        "an outsider's seal added": replace(extra, seals=(*extra.seals, outsider)),
        "another round": replace(extra, round=extra.round + 1),
        "another vanity": replace(extra, vanity=b"\x01" * 32),
        "a vote added": replace(extra, vote=(strangers[0].address, True)),
    }.items():
        is_said = not flavour.is_istanbul or name not in ("another round", "a vote added")
        if is_said and other != extra:
            changed[name] = replace(sealed, extra_data=encode_extra_data(other, flavour))
    replaced = Sealing(flavour, addresses(strangers), tuple(strangers), strangers[0])
    changed["validators and seals replaced"] = bft_sealed(replace(sealed, beneficiary=strangers[0].address), replaced)
    for name, judged in changed.items():
        yield Case(file, f"{title}{name}", REJECT, partial(_sealed_by, validators, judged, flavour))


def _with_other(sealed: ExecutionHeader, name: str) -> ExecutionHeader:
    found = getattr(sealed, name)
    other: Any = found + 1 if isinstance(found, int) else bytes(byte ^ 1 for byte in found)
    return replace(sealed, **{name: other})


@dataclass(slots=True)
class Walk:
    """The blocks of one live chain, believed one after another; each asked for once."""

    headers: dict[int, ExecutionHeader]
    epoch_length: int
    believed: dict[int, Block] = field(default_factory=dict)

    def block(self, number: int) -> Block:
        if number not in self.believed:
            parameters = _parameters(Flavour.QBFT, self.epoch_length)
            step = Step(self.headers[number])
            if number - 1 not in self.headers:
                self.believed[number] = bft_spec.verify_checkpoint(step, parameters)
            else:
                parent = self.block(number - 1)
                self.believed[number] = bft_spec.verify_step(parent, step, parameters, now=FAR_FUTURE)
        return self.believed[number]

    def hash(self, number: int) -> bytes:
        return self.block(number).hash


def _live(files: Files) -> Iterator[Case]:
    genesis = [(file, file.json()) for file in files.named("qbft/goquorum_live/genesis.json")]
    blocks = [(file, block) for file in files.named("qbft/goquorum_live/headers.json") for block in file.json()]
    if not genesis or not blocks:
        return
    epoch_length = genesis[0][1]["config"]["qbft"]["epochlength"]
    walk = Walk({_int(block["number"]): header_of(block) for _, block in blocks}, epoch_length)
    for file, block in blocks:
        number = _int(block["number"])
        sealed = walk.headers[number]
        yield Case(file, f"{number} followed", value(_bytes(block["hash"])), partial(walk.hash, number))
        validators = _validators(sealed, Flavour.QBFT)
        if number:
            yield from _rejections(file, f"{number} ", sealed, validators, Flavour.QBFT)
    for file, described in genesis:
        if 0 in walk.headers:
            yield Case(file, "genesis", value(_bytes(described["extraData"])), lambda: walk.headers[0].extra_data)
    for file in files.named("qbft/goquorum_live/receipts.json"):
        content = file.json()
        if content["block"] in walk.headers:
            root = value(walk.headers[content["block"]].receipts_root)
            yield Case(file, "receipts root", root, _receipts_root(content["receipts"]))


def _receipts_root(receipts: Sequence[Mapping[str, Any]]) -> Callable[[], bytes]:
    read = [
        Receipt(
            _int(each.get("type", "0x0")),
            _int(each["status"]),
            _int(each["cumulativeGasUsed"]),
            _bytes(each["logsBloom"]),
            tuple(
                Log(_bytes(log["address"]), tuple(map(_bytes, log["topics"])), _bytes(log["data"]))
                for log in each["logs"]
            ),
        )
        for each in receipts
    ]
    return lambda: ordered_root(encode_receipt(each) for each in read)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _int(text: str) -> int:
    return int(text, 16)
