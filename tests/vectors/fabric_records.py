"""Files of the fabric suite beside blocks: block files, member folders, endorsed answers, filtered blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from proofs.encoding.protobuf import BYTES, ENUM, INT32, STRING, UINT64, Field, Message, decode
from proofs.fabric.answers import SignedAnswer
from proofs.fabric.block_messages import Block, BlockHeader
from proofs.fabric.config_messages import FabricMspConfig, NodeUnits, UnitIdentifier
from proofs.fabric.transaction_messages import ENDORSEMENT, Endorsement
from tests.vectors.files import DataFile


def read_block_file(data: bytes) -> Iterator[Block]:
    """A peer's block file: length-prefixed records of number, two hashes, envelopes and metadata."""
    reader = _Records(data)
    while reader.position < len(data) and (size := reader.number()):
        end = reader.position + size
        number, data_hash, previous_hash = reader.number(), reader.block(), reader.block()
        envelopes = tuple(reader.block() for _ in range(reader.number()))
        slots = tuple(reader.block() for _ in range(reader.number()))
        assert reader.position == end, "records are read whole"
        yield Block(BlockHeader(number, previous_hash, data_hash), envelopes, slots)


class _Records:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def number(self) -> int:
        total, shift = 0, 0
        while True:
            byte = self.data[self.position]
            self.position += 1
            total |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return total

    def block(self) -> bytes:
        size = self.number()
        self.position += size
        return self.data[self.position - size : self.position]


def msp_config(folder: Mapping[str, Sequence[DataFile]]) -> FabricMspConfig:
    """The organisation of a folder as `cryptogen` and `fabric-ca` lay it out. TLS certificates are read, not used."""
    read = {kind: tuple(each.bytes() for each in files) for kind, files in folder.items()}
    settings: Any = yaml.safe_load(read["config.yaml"][0]) if "config.yaml" in read else {}
    certificates = {each.name.split("/", 2)[2]: each.bytes() for files in folder.values() for each in files}
    units = tuple(_unit(each, certificates) for each in settings.get("OrganizationalUnitIdentifiers", []))
    return FabricMspConfig(
        "SampleOrg",
        read["cacerts"],
        read.get("intermediatecerts", ()),
        read.get("admincerts", ()) + read.get("adm", ()),
        read.get("crls", ()),
        units,
        None,
        _node_units(settings.get("NodeOUs"), certificates),
    )


def _node_units(settings: Any, certificates: Mapping[str, bytes]) -> NodeUnits | None:
    if settings is None:
        return None
    names = ("ClientOUIdentifier", "PeerOUIdentifier", "AdminOUIdentifier", "OrdererOUIdentifier")
    units = (_unit(settings[name], certificates) if name in settings else None for name in names)
    return NodeUnits(settings["Enable"], *units)


def _unit(settings: Any, certificates: Mapping[str, bytes]) -> UnitIdentifier:
    # A folder whose configuration names a certificate that it does not hold is set up without it.
    certificate = certificates.get(settings.get("Certificate", ""), b"")
    return UnitIdentifier(certificate, settings["OrganizationalUnitIdentifier"])


def signed_answers(signed_proposal: bytes, responses: Sequence[bytes]) -> list[SignedAnswer]:
    """One question and the answers of several peers. The client's own signature plays no part."""
    proposal = decode(signed_proposal, _SIGNED_PROPOSAL, part="proposal")
    answers = [decode(each, _PROPOSAL_RESPONSE, part="response") for each in responses]
    return [SignedAnswer(proposal, payload, (endorsement,)) for payload, endorsement in answers]


def filtered_codes(data: bytes) -> tuple[str, int, tuple[tuple[str, int, int], ...]]:
    """Channel, number, and of each transaction id, type and code, as a peer tells those who may not see more."""
    told: tuple[str, int, tuple[tuple[str, int, int], ...]] = decode(data, _FILTERED_BLOCK, part="filtered block")
    return told


def weaver_answers(view: bytes) -> list[tuple[bytes, Endorsement]]:
    """The endorsed answers of a view, each with the bytes that were signed."""
    answers = decode(decode(view, _VIEW, part="view"), _FABRIC_VIEW, part="view")
    return list(answers)


def _second(_first: bytes, second: bytes) -> bytes:
    return second


def _pairs(pairs: tuple[tuple[bytes, Endorsement], ...]) -> tuple[tuple[bytes, Endorsement], ...]:
    return pairs


def _pair(payload: bytes, endorsement: Endorsement) -> tuple[bytes, Endorsement]:
    return payload, endorsement


def _first(first: bytes, _second: bytes) -> bytes:
    return first


def _answer(
    _version: int, _timestamp: bytes, _response: bytes, payload: bytes, endorsement: Endorsement, _interest: bytes
) -> tuple[bytes, Endorsement]:
    return payload, endorsement


def _transaction(tx_id: str, kind: int, code: int, _actions: bytes) -> tuple[str, int, int]:
    return tx_id, kind, code


def _filtered(channel: str, number: int, transactions: tuple[tuple[str, int, int], ...]) -> object:
    return channel, number, transactions


_SIGNED_PROPOSAL = Message("SignedProposal", _first, [Field(1, "proposal_bytes", BYTES), Field(2, "signature", BYTES)])
_PROPOSAL_RESPONSE = Message(
    "ProposalResponse",
    _answer,
    [
        Field(1, "version", INT32),
        Field(2, "timestamp", BYTES),
        Field(4, "response", BYTES),
        Field(5, "payload", BYTES),
        Field(6, "endorsement", ENDORSEMENT, required=True),
        Field(7, "interest", BYTES),
    ],
)
_VIEW = Message("View", _second, [Field(1, "meta", BYTES), Field(2, "data", BYTES)])
_FABRIC_VIEW = Message(
    "FabricView",
    _pairs,
    [
        Field(
            1,
            "endorsed_proposal_responses",
            Message(
                "EndorsedProposalResponse",
                _pair,
                [Field(1, "payload", BYTES), Field(2, "endorsement", ENDORSEMENT, required=True)],
            ),
            repeated=True,
        )
    ],
)
_FILTERED_BLOCK: Message[Any] = Message(
    "FilteredBlock",
    _filtered,
    [
        Field(1, "channel_id", STRING),
        Field(2, "number", UINT64),
        Field(
            4,
            "filtered_transactions",
            Message(
                "FilteredTransaction",
                _transaction,
                [
                    Field(1, "txid", STRING),
                    Field(2, "type", ENUM),
                    Field(3, "tx_validation_code", ENUM),
                    Field(4, "transaction_actions", BYTES),
                ],
            ),
            repeated=True,
        ),
    ],
)
