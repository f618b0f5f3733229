"""Setting up on a real node: what is deployed, what it is called, and what stops it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.contract.errors import NotPermitted, OutOfFunds
from adapters.contract.ledger import AttestationSpec, LightClientSpec
from adapters.contract.plugin import SettingRefused
from adapters.evm.artifacts import load_artifact
from adapters.evm.setup import EvmSetup
from adapters.evm.transactions import address_of_public_key, address_of_secret
from proofs.commitment import ClientId
from proofs.encoding import abi
from proofs.light_client import Height
from proofs.primitives.hashing import keccak256
from relay.keys.signer import Secp256k1Signer
from tests.adapters.evm.world import ATTESTORS, World, hex0, octets
from tests.nodes.anvil import AnvilNode

pytestmark = pytest.mark.nodes

SPEC = AttestationSpec(tuple(address_of_secret(secret) for secret in ATTESTORS), 2, Height(0, 7), 1_700_000_000)


def setup_on(node: AnvilNode) -> EvmSetup:
    return EvmSetup(node, node.chain_id, poll_seconds=0.01)


async def test_a_deployed_host_is_ours_to_the_byte_and_its_mailbox_is_on_its_port(anvil: AnvilNode) -> None:
    signer = Secp256k1Signer(anvil.funded[1].secret)
    settings = await setup_on(anvil).deploy_host(signer)
    host, mailbox = octets(str(settings["host"])), octets(str(settings["mailbox"]))
    code = octets(anvil.ask("eth_getCode", hex0(host), "latest"))
    assert keccak256(code).hex() == settings["host_code"] == load_artifact("Host").code_hash.hex()
    assert anvil.ask("eth_getCode", hex0(host), hex(int(str(settings["host_height"])) - 1)) == "0x"

    def read(to: bytes, signature: str, *values: object) -> bytes:
        call = {"to": hex0(to), "input": hex0(abi.encode_call(signature, values))}
        return octets(anvil.ask("eth_call", call, "latest"))

    assert abi.decode("(address)", read(host, "getIBCApp(string)", hex0(mailbox))) == (mailbox,)
    assert abi.decode("(address)", read(host, "owner()")) == (address_of_public_key(signer.public_key),)
    assert abi.decode("(address)", read(mailbox, "host()")) == (host,)


async def test_clients_get_the_names_that_were_foretold(anvil: AnvilNode) -> None:
    signer = Secp256k1Signer(anvil.funded[1].secret)
    bare = setup_on(anvil)
    settings = await bare.deploy_host(signer)
    setup = replace(bare, host=octets(str(settings["host"])))
    names = []
    for number in range(2):
        foretold = await setup.next_client_id(SPEC)
        created = await setup.create_client(
            SPEC, counterparty=ClientId("07-tendermint-3"), prefix=[b"ibc", b""], signer=signer
        )
        assert created == foretold == f"attestations-{number}"
        names.append(created)

    assert setup.host is not None
    call = {"to": hex0(setup.host), "input": hex0(abi.encode_call("getCounterparty(string)", (names[1],)))}
    answer = octets(anvil.ask("eth_call", call, "latest"))
    assert abi.decode("((string,bytes[]))", answer) == (("07-tendermint-3", (b"ibc", b"")),)


async def test_an_account_without_funds_is_told_what_is_missing(anvil: AnvilNode) -> None:
    poor = Secp256k1Signer(b"\x42" * 32)
    with pytest.raises(OutOfFunds) as refusal:
        await setup_on(anvil).deploy_host(poor)
    assert refusal.value.balance == 0 < refusal.value.needed


async def test_one_who_does_not_own_the_host_is_refused_before_anything_is_registered(
    world: World, anvil: AnvilNode
) -> None:
    setup = replace(setup_on(anvil), host=world.host)
    stranger = Secp256k1Signer(anvil.funded[2].secret)
    before = await setup.next_client_id(SPEC)
    with pytest.raises(NotPermitted) as refusal:
        await setup.create_client(SPEC, counterparty=world.here, prefix=[b""], signer=stranger)
    assert octets(refusal.value.account) == address_of_public_key(stranger.public_key)
    assert await setup.next_client_id(SPEC) == before


async def test_without_a_host_there_is_nothing_to_register_on(anvil: AnvilNode) -> None:
    with pytest.raises(SettingRefused) as refusal:
        await setup_on(anvil).next_client_id(SPEC)
    assert refusal.value.key == "host"


async def test_an_address_without_a_host_is_refused_as_a_setting(anvil: AnvilNode) -> None:
    with pytest.raises(SettingRefused) as refusal:
        await replace(setup_on(anvil), host=b"\x99" * 20).next_client_id(SPEC)
    assert (refusal.value.key, octets(str(refusal.value.got))) == ("host", b"\x99" * 20)


def test_it_registers_attestation_clients_only(anvil: AnvilNode) -> None:
    setup = setup_on(anvil)
    assert setup.supports(AttestationSpec, "attestation")
    assert not setup.supports(LightClientSpec, "cometbft")
    assert setup.merkle_prefix == (b"",)
