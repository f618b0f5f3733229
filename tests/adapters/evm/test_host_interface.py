"""The interface of the host is that of the deployed router, selector by selector and topic by topic.

The hex below is wire format, written down from the protocol's specification, not computed from our contracts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from adapters.evm.artifacts import load_artifact
from proofs.primitives.hashing import keccak256

FUNCTIONS = {
    "sendPacket": ("4d6e7ce3",),
    "recvPacket": ("5ebd10ca",),
    "ackPacket": ("1bca011a",),
    "timeoutPacket": ("b98c330a",),
    "updateClient": ("6fbf8079",),
    "addClient": ("e3cb36a0", "1ec43e23"),
    "migrateClient": ("cce0b265",),
    "submitMisbehaviour": ("9e2e5c83",),
    "addIBCApp": ("4b720d5b", "5f516889"),
    "multicall": ("ac9650d8",),
    "getCommitment": ("7795820c",),
}

EVENTS = {
    "SendPacket": "ab3a4458a269be61dfa43faa33aa7b1f5d570716f83ad078bc2ba5dab039abae",
    "WriteAcknowledgement": "76765590e2b799b0506100f8a6610cfecab2c71e8e1f8aa981b099aff0dfdb74",
    "AckPacket": "f9bab74bcdb634f4d3dd064cc42a13df056598e1c0336905d2f5750fbfb08b7b",
    "TimeoutPacket": "01e5ed58494819ef3f6480dd08e433b7c08ed75c7abdf2c22c6f04b71340a168",
    "Noop": "d08bf58b0e4eec5bfc697a4fdbb6839057fbf4dd06f1b1ce07445c0e5a654caf",
    "ICS02ClientAdded": "0ecded31ecd211a73abf0fb3bc09150bbe321a05550fbe29ea0f16b6e25fbfa8",
    "ICS02ClientUpdated": "87bbef2779889a19f0435ddca81fda94132c06ffddb0ea73def256307a293aef",
    "IBCAppRecvPacketCallbackError": "b9edb487876e8be10f54e377c1a815a54ad92a6db1c9561dfe8fad2f0d1da84f",
    "IBCAppAdded": "a6ec8e860960e638347460dc632fbe0175c51a5ca130e336138bbe26ff304499",
}

ERRORS = {
    "Host": {
        "IBCInvalidTimeoutTimestamp": "65d30129",
        "IBCInvalidCounterparty": "9fff831f",
        "IBCCounterpartyClientNotFound": "df95155a",
        "IBCClientNotFound": "a0db16fe",
        "IBCAppNotFound": "a09dbf59",
        "IBCFailedCallback": "adef7fb8",
        "IBCAsyncAcknowledgementNotSupported": "ecfef798",
        "IBCErrorUniversalAcknowledgement": "6b2675e3",
        "IBCMultiPayloadPacketNotSupported": "356f4dbd",
        "IBCPacketReceiptMismatch": "657b94fe",
        "IBCPacketCommitmentMismatch": "3f87a2ec",
        "AccessManagedUnauthorized": "068ca9d8",
        "IBCInvalidTimeoutDuration": "715fed60",
        "IBCUnauthorizedSender": "be2f2b45",
        "ReentrancyGuardReentrantCall": "3ee5aeb5",
        "FailedCall": "d6bda275",
    },
    "AttestationClient": {
        "ConsensusTimestampNotFound": "f7caaa5c",
        "FrozenClientState": "928b1233",
        "ThresholdNotMet": "378b0805",
        "UnknownSigner": "d7e8a2c2",
        "DuplicateSigner": "e021c4f2",
        "EmptySignatures": "301b38b6",
        "ECDSAInvalidSignature": "f645eedf",
        "ECDSAInvalidSignatureS": "d78bce0c",
        "InvalidSignatureLength": "2ee17a3d",
        "HeightMismatch": "c7441689",
        "NotMember": "291fc442",
        "NotNonMember": "9a960b4f",
        "EmptyPackets": "1e6c84da",
        "InvalidPathLength": "88b3170e",
        "EmptyValue": "1208b21b",
        "InvalidState": "dcbc5460",
        "FeatureNotSupported": "da81d7c2",
        "AccessControlUnauthorizedAccount": "e2517d3f",
    },
}


def signature(entry: Mapping[str, Any]) -> str:
    return f"{entry['name']}({','.join(type_name(each) for each in entry['inputs'])})"


def type_name(parameter: Mapping[str, Any]) -> str:
    """A tuple is named by its parts."""
    name = str(parameter["type"])
    if not name.startswith("tuple"):
        return name
    return f"({','.join(type_name(each) for each in parameter['components'])}){name.removeprefix('tuple')}"


def declared(contract: str, kind: str, name: str) -> Iterator[str]:
    """Hashes of the signatures that a contract declares under a name."""
    for entry in load_artifact(contract).abi:
        if entry["type"] == kind and entry.get("name") == name:
            yield keccak256(signature(entry).encode()).hex()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_the_selector_of_the_protocol(name: str) -> None:
    assert {hashed[:8] for hashed in declared("Host", "function", name)} == set(FUNCTIONS[name])


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_has_the_topic_of_the_protocol(name: str) -> None:
    assert list(declared("Host", "event", name)) == [EVENTS[name]]


@pytest.mark.parametrize(("contract", "name"), tuple((c, name) for c, errors in ERRORS.items() for name in errors))
def test_an_error_has_the_selector_of_the_protocol(contract: str, name: str) -> None:
    assert [hashed[:8] for hashed in declared(contract, "error", name)] == [ERRORS[contract][name]]


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    (
        ("updateClient", "bytes", "uint8"),
        ("verifyMembership", "(bytes,(uint64,uint64),bytes[],bytes)", "uint256"),
        ("verifyNonMembership", "(bytes,(uint64,uint64),bytes[])", "uint256"),
        ("misbehaviour", "bytes", ""),
        ("getClientState", "", "bytes"),
        ("getAttestationSet", "", "address[],uint8"),
        ("getConsensusTimestamp", "uint64", "uint64"),
    ),
)
def test_the_light_client_has_the_functions_that_hosts_and_relays_call(name: str, inputs: str, outputs: str) -> None:
    (entry,) = (each for each in load_artifact("AttestationClient").abi if each.get("name") == name)
    assert signature(entry) == f"{name}({inputs})"
    assert ",".join(type_name(each) for each in entry["outputs"]) == outputs


def test_the_slot_of_commitments_is_the_one_of_its_namespace() -> None:
    """ERC-7201: keccak256(keccak256(name) - 1) with the last byte cleared."""
    inner = int.from_bytes(keccak256(b"ibc.storage.IBCStore"), "big") - 1
    slot = int.from_bytes(keccak256(inner.to_bytes(32, "big")), "big") & ~0xFF
    assert slot == 0x1260944489272988D9DF285149B5AA1B0F48F2136D6F416159F840A3E0747600


@pytest.mark.parametrize("contract", ("Host", "AttestationClient", "Mailbox", "UnrulyApp"))
def test_a_contract_fits_where_contracts_must_fit(contract: str) -> None:
    """EIP-170 and EIP-3860: 24,576 bytes of code, twice that to create it. Creation holds the code."""
    assert len(load_artifact(contract).creation) <= 24_576
