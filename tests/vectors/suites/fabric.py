"""Blocks recorded from real Fabric nodes and ledgers; golden.json says what a second verifier computed from them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from proofs.encoding.protobuf import decode
from proofs.errors import InsufficientVotingPower
from proofs.fabric import hashing, spec
from proofs.fabric import predicates as rules
from proofs.fabric.answers import Answer, SignedAnswer, verify_answer
from proofs.fabric.block_messages import ENVELOPE, ORDERER_METADATA, SIGNED_METADATA, Block, BlockHeader, decode_block
from proofs.fabric.certificates import parse_pem
from proofs.fabric.channel_config import ChannelConfig
from proofs.fabric.config_messages import CAPABILITIES, CONSENSUS_TYPE, SERIALIZED_IDENTITY, FabricMspConfig
from proofs.fabric.host import DEFAULT_POLICY
from proofs.fabric.identities import Members
from proofs.fabric.msp import build_msp
from proofs.fabric.transaction_messages import PROCESSED_TRANSACTION
from proofs.fabric.transactions import EndorserTransaction, endorsing_members, verify_transaction
from proofs.fabric.types import KnownBlock, Parameters
from proofs.fabric.vouchers import read_vouched, verify_counted
from tests.vectors.case import Case, accept_if, value
from tests.vectors.fabric_records import filtered_codes, msp_config, read_block_file, signed_answers, weaver_answers
from tests.vectors.files import DataFile, Files

_LIFECYCLE = "_lifecycle"
_ENDORSEMENT_POLICY_FAILURE = 10
_MVCC_READ_CONFLICT = 11
# Expired certificates stay valid. In nodeous1 and 2 no unit gives a role, in nodeous5 one that nobody set up.
_GOOD_SIGNERS = {"expired", "external", "intermediate", "nodeous3", "nodeouadmin", "nodeouorderer"}


def cases(files: Files) -> Iterator[Case]:
    for golden in files.named("golden.json"):
        for ledger, entries in golden.json().items():
            yield from _ledger_cases(files, golden, ledger, entries)
    yield from _view_cases(files)
    yield from _member_cases(files)
    yield from _genesis_cases(files)
    yield from _weaver_cases(files)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One block of a ledger as several nodes delivered it, and the configuration that its signers go by."""

    block: Block
    deliveries: Mapping[str, Block]
    before: Block | None
    config: ChannelConfig
    config_number: int
    parameters: Parameters


def _ledger_cases(files: Files, golden: DataFile, ledger: str, entries: Sequence[Any]) -> Iterator[Case]:
    for recorded, entry in zip(_chain(files, ledger), entries, strict=True):
        name = f"{ledger} {entry['number']}"
        yield from _header_cases(golden, name, recorded, entry)
        if entry["number"] > 0:
            yield from _signature_cases(golden, name, recorded, entry)
        for index, transaction in enumerate(entry["txs"]):
            code = entry["tx_filter"][index]
            yield from _transaction_cases(golden, f"{name} tx {index}", recorded, index, transaction, code)
        if "config" in entry:
            yield Case(golden, f"{name} config", value(entry["config"]), partial(_described_config, recorded))
        filtered = files.one(f"{ledger}/block{entry['number']:03}.filtered.peer2.pb")
        if filtered is not None:
            told = filtered_codes(filtered.bytes())
            yield Case(filtered, f"{name} filtered", value(told), partial(_filtered, recorded))


def _chain(files: Files, ledger: str) -> Iterator[Recorded]:
    """Block after block, each with the configuration that the blocks before it left in force."""
    before: Block | None = None
    config: ChannelConfig | None = None
    config_number = 0
    for deliveries in _deliveries(files, ledger):
        block = next(iter(deliveries.values()))
        _, header = spec.channel_header(decode(block.envelopes[0], ENVELOPE, part="envelope").payload)
        parameters = Parameters(header.channel_id)
        brought = spec.read_config_block(block, parameters) if header.type == rules.CONFIG_TRANSACTION else None
        config = config or brought
        assert config is not None, "a recorded ledger starts with a configuration"
        yield Recorded(block, deliveries, before, config, config_number, parameters)
        if brought is not None:
            config, config_number = brought, block.header.number
        before = block


def _deliveries(files: Files, ledger: str) -> Iterator[Mapping[str, Block]]:
    block_file = files.one(f"{ledger}.blockfile")
    if block_file is not None:
        yield from ({"file": block} for block in read_block_file(block_file.bytes()))
        return
    number = 0
    while (full := files.one(f"{ledger}/block{number:03}.peer1.pb")) is not None:
        more = (files.one(f"{ledger}/block{number:03}.{kind}.pb") for kind in ("orderer2", "hdrsig.orderer1"))
        found = [full, *(each for each in more if each is not None)]
        yield {each.name: decode_block(each.bytes()) for each in found}
        number += 1


def _header_cases(golden: DataFile, name: str, recorded: Recorded, entry: Any) -> Iterator[Case]:
    header = recorded.block.header
    yield Case(golden, f"{name} DER", value(entry["header_der"]), partial(_hex, hashing.header_bytes, header))
    yield Case(golden, f"{name} hash", value(entry["header_hash"]), partial(_hex, hashing.header_hash, header))
    yield Case(golden, f"{name} previous", value(entry["previous_hash"]), header.previous_hash.hex)
    yield Case(golden, f"{name} data hash field", value(entry["data_hash"]), header.data_hash.hex)
    yield Case(
        golden,
        f"{name} data hash",
        accept_if(entry["data_hash_ok"]),
        partial(rules.check_data_hash, header, recorded.block.envelopes),
    )
    if "prev_hash_link_ok" in entry and recorded.before is not None:
        before = recorded.before.header
        known = KnownBlock(before, hashing.header_hash(before))
        expected = accept_if(entry["prev_hash_link_ok"])
        yield Case(golden, f"{name} link", expected, partial(rules.check_links, header, known))
    yield Case(golden, f"{name} codes", value(entry["tx_filter"]), lambda: list(recorded.block.slots[2]))


def _signature_cases(golden: DataFile, name: str, recorded: Recorded, entry: Any) -> Iterator[Case]:
    expected = accept_if(entry["BlockValidation_ok"])
    for delivery, block in recorded.deliveries.items():
        yield Case(golden, f"{name} policy {delivery}", expected, partial(_verify_block, recorded, block))
    counted = (entry["block_signatures"], entry["valid_distinct_signers"], entry["last_config"])
    yield Case(golden, f"{name} signers", value(counted), partial(_counted, recorded))


def _hex(compute: Callable[[BlockHeader], bytes], header: BlockHeader) -> str:
    return compute(header).hex()


def _verify_block(recorded: Recorded, block: Block) -> object:
    return spec.verify_block(
        block, config=recorded.config, config_number=recorded.config_number, parameters=recorded.parameters
    )


def _counted(recorded: Recorded) -> object:
    signed = decode(recorded.block.slots[0], SIGNED_METADATA, part="slot 0")
    members = spec.block_signers(recorded.block, signed, recorded.config)
    last_config = decode(signed.value, ORDERER_METADATA, part="slot 0").last_config
    return len(signed.signatures), len(members), last_config


def _transaction_cases(
    golden: DataFile, name: str, recorded: Recorded, index: int, entry: Any, code: int
) -> Iterator[Case]:
    envelope = recorded.block.envelopes[index]
    shape = (entry["envelope_len"], entry["envelope_sha256"], entry["type"], entry["tx_id"])
    yield Case(golden, f"{name} envelope", value(shape), partial(_described_envelope, envelope))
    if "chaincode" not in entry:
        return
    # Approvals of a lifecycle go by the policy of one organisation, which the entry does not name.
    if entry["chaincode"] != _LIFECYCLE:
        expected = accept_if(code != _ENDORSEMENT_POLICY_FAILURE)
        yield Case(golden, f"{name} endorsed", expected, partial(_endorsed, recorded, envelope, DEFAULT_POLICY))
        if code != _ENDORSEMENT_POLICY_FAILURE:
            said = (entry["chaincode"], entry["status"], tuple(entry.get("event", ())))
            yield Case(golden, f"{name} says", value(said), partial(_said, recorded, envelope))


def _described_envelope(envelope: bytes) -> object:
    _, header = spec.channel_header(decode(envelope, ENVELOPE, part="envelope").payload)
    return len(envelope), hashing.data_hash([envelope]).hex(), header.type, header.tx_id


def _endorsed(recorded: Recorded, envelope: bytes, policy: str) -> EndorserTransaction:
    return verify_transaction(
        decode(envelope, ENVELOPE, part="envelope"),
        channel_id=recorded.parameters.channel_id,
        members=recorded.config.members,
        policy=recorded.config.policy(policy),
    )


def _said(recorded: Recorded, envelope: bytes) -> object:
    said = _endorsed(recorded, envelope, DEFAULT_POLICY)
    event = () if said.event is None else (said.event.name, said.event.payload.decode())
    return said.chaincode, said.response.status, event


def _described_config(recorded: Recorded) -> object:
    config = spec.read_config_block(recorded.block, recorded.parameters)
    orderer = config.root.groups["Orderer"]
    capabilities = decode(config.root.values["Capabilities"], CAPABILITIES, part="config")
    return {
        "sequence": config.sequence,
        "consensus": decode(orderer.values["ConsensusType"], CONSENSUS_TYPE, part="config"),
        "channel_capabilities": sorted(capabilities),
        "consenter_ids": [each.id for each in config.consenters],
        "msps": sorted(config.members.organisations),
    }


def _filtered(recorded: Recorded) -> object:
    block = recorded.block
    shown = []
    for envelope, code in zip(block.envelopes, block.slots[2], strict=True):
        _, header = spec.channel_header(decode(envelope, ENVELOPE, part="envelope").payload)
        shown.append((header.tx_id, header.type, code))
    return recorded.parameters.channel_id, block.header.number, tuple(shown)


def _view_cases(files: Files) -> Iterator[Case]:
    """Questions that a peer of each organisation answered, and what the one about block 8 says of transactions."""
    chain = {recorded.block.header.number: recorded for recorded in _chain(files, "live_v3.1.5/bftch")}
    for proposal in files.matching("live_*/views/*.signed_proposal.pb"):
        stem = proposal.name.removesuffix(".signed_proposal.pb")
        responses = [each.bytes() for each in files.matching(f"{stem}.response_org*.pb")]
        answers = signed_answers(proposal.bytes(), responses)
        recorded = chain[max(chain)]
        both = ("Org1MSP", "Org2MSP")
        yield Case(proposal, "both organisations", value(both), partial(_organisations, recorded, answers))
        if "GetBlockByNumber_8" in stem:
            for index, code in enumerate(chain[8].block.slots[2]):
                vouched = partial(_vouched, chain[8], answers, index)
                yield Case(proposal, f"transaction {index} counted", accept_if(code == 0), vouched)
        if "mvcc_invalid" in stem:
            yield Case(proposal, "code", value(_MVCC_READ_CONFLICT), partial(_code, recorded, answers[0]))


def _answered(recorded: Recorded, answer: SignedAnswer) -> Answer:
    return verify_answer(answer, channel_id=recorded.parameters.channel_id, members=recorded.config.members)


def _organisations(recorded: Recorded, answers: Sequence[SignedAnswer]) -> object:
    return tuple(sorted(member.msp_id for each in answers for member in _answered(recorded, each).members))


def _vouched(recorded: Recorded, answers: Sequence[SignedAnswer], index: int) -> None:
    header, channel_id = recorded.block.header, recorded.parameters.channel_id
    count = len(recorded.block.envelopes)
    vouched = [read_vouched(_answered(recorded, each), header, channel_id=channel_id, count=count) for each in answers]
    verify_counted(vouched, index, recorded.config.policy(DEFAULT_POLICY))


def _code(recorded: Recorded, answer: SignedAnswer) -> int:
    return decode(_answered(recorded, answer).content, PROCESSED_TRANSACTION, part="answer").validation_code


def _member_cases(files: Files) -> Iterator[Case]:
    """Folders of organisations; what the ledger's own tests say of the certificate that signs there."""
    folders: dict[str, dict[str, list[DataFile]]] = {}
    for each in files.matching("msp_testdata/*"):
        _, folder, kind = each.name.split("/", 2)
        folders.setdefault(folder, {}).setdefault(kind.split("/")[0], []).append(each)
    for folder, parts in folders.items():
        config = msp_config(parts)
        signer = parts["signcerts"][0]
        expected = accept_if(folder in _GOOD_SIGNERS)
        yield Case(signer, "member", expected, partial(_member, config, signer.bytes()))


def _member(config: FabricMspConfig, pem: bytes) -> object:
    return build_msp(config).member(parse_pem(pem))


def _genesis_cases(files: Files) -> Iterator[Case]:
    """Blocks of configurations; the one of 1.x carries a transaction of the system channel instead."""
    for file in files.matching("genesis_blocks/*"):
        expected = accept_if("_v1_" not in file.name)
        yield Case(file, "configuration", expected, partial(_configuration, file.bytes()))


def _configuration(data: bytes) -> object:
    block = decode_block(data)
    rules.check_data_hash(block.header, block.envelopes)
    _, header = spec.channel_header(decode(block.envelopes[0], ENVELOPE, part="envelope").payload)
    return spec.read_config_block(block, Parameters(header.channel_id))


def _weaver_cases(files: Files) -> Iterator[Case]:
    """A view that peers of one organisation endorsed, with the certificates of the authorities."""
    for file in files.matching("weaver_views/*.json"):
        authorities = [each.bytes() for each in files.matching("weaver_views/*.pem")]
        view = base64.b64decode(file.json()["view64"])
        yield Case(file, "endorsed", accept_if(True), partial(_weaver_endorsed, view, authorities))


def _weaver_endorsed(view: bytes, authorities: Sequence[bytes]) -> None:
    """At least one authority's organisation has signed each answer of the view."""
    for payload, endorsement in weaver_answers(view):
        identity = decode(endorsement.endorser, SERIALIZED_IDENTITY, part="identity")
        organisations = [
            build_msp(FabricMspConfig(identity.msp_id, (each,), (), (), (), (), None, None)) for each in authorities
        ]
        found = [
            member
            for each in organisations
            for member in endorsing_members(payload, [endorsement], Members({identity.msp_id: each}))
        ]
        if len(found) != 1:
            raise InsufficientVotingPower(len(found), 1, signers="organisations of the view")
