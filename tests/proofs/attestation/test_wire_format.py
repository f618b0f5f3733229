"""The bytes that other people's hosts read, written out again with other people's encoders."""

from __future__ import annotations

import hashlib

import pytest
from eth_abi.abi import encode as oracle_encode

from proofs.attestation.client import AttestationClient, decode_client
from proofs.attestation.spec import Tag, signing_digest
from proofs.attestation.types import (
    Attested,
    AttestorSet,
    PacketAttestation,
    SetRotation,
    StateAttestation,
    decode_packets,
    decode_rotation,
    decode_state,
    path_entry,
)
from proofs.light_client import LightClient
from proofs.primitives.hashing import keccak256
from tests.proofs.attestation.builders import ADDRESSES, client_of

PATH = b"client-0\x01" + bytes(7) + b"\x01"


def test_a_state_attestation_is_two_words() -> None:
    state = StateAttestation(7, 1_700_000_000)
    assert state.encode() == oracle_encode(["uint64", "uint64"], [7, 1_700_000_000])
    assert decode_state(state.encode()) == state


def test_a_packet_attestation_is_a_struct_of_hashed_paths() -> None:
    packets = PacketAttestation(7, (path_entry(PATH, b"\x11" * 32), path_entry(b"other", None)))
    entries = [(keccak256(PATH), b"\x11" * 32), (keccak256(b"other"), bytes(32))]
    assert packets.encode() == oracle_encode(["(uint64,(bytes32,bytes32)[])"], [(7, entries)])
    assert decode_packets(packets.encode()) == packets


def test_a_proof_on_evm_is_a_struct_of_data_and_signatures() -> None:
    attested = Attested(b"data", (b"\x01" * 65, b"\x02" * 65))
    assert attested.encode_abi() == oracle_encode(["(bytes,bytes[])"], [(attested.data, attested.signatures)])


def test_a_single_path_costs_what_a_relay_plans_with() -> None:
    """288 + 160·m + 64·n bytes for m signatures over n paths."""
    data = PacketAttestation(7, (path_entry(PATH, None),)).encode()
    one, two = (len(Attested(data, (bytes(65),) * count).encode_abi()) for count in (1, 2))
    assert two - one == 160
    assert one == 288 + 160 + 64


@pytest.mark.parametrize(("tag", "byte"), ((Tag.STATE, b"\x01"), (Tag.PACKET, b"\x02"), (Tag.ROTATION, b"\x03")))
def test_the_tag_is_signed_with_the_hash_of_the_data(tag: Tag, byte: bytes) -> None:
    expected = hashlib.sha256(byte + hashlib.sha256(b"data").digest()).digest()
    assert signing_digest(b"data", tag=tag, variant="tagged") == expected


def test_the_plain_variant_signs_the_data_alone() -> None:
    assert signing_digest(b"data", tag=Tag.STATE, variant="plain") == hashlib.sha256(b"data").digest()


def test_a_rotation_names_what_it_replaces() -> None:
    rotation = SetRotation(1, client_of().attestors.digest(), AttestorSet(ADDRESSES[3:6], 2))
    assert decode_rotation(rotation.encode()) == rotation
    addresses = ["0x" + each.hex() for each in ADDRESSES[:3]]
    assert rotation.previous == keccak256(oracle_encode(["address[]", "uint8"], [addresses, 2]))


def test_it_is_a_light_client_like_any_other() -> None:
    client: LightClient = client_of()
    assert (client.family, client.portable) == ("attestation", True)
    assert isinstance(decode_client(client.encode()), AttestationClient)
