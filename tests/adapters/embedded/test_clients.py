"""Light clients that the host runs on itself: attested ones beside verifying ones, frozen by what they see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from adapters.contract.errors import RefusedForNow
from adapters.contract.ledger import AttestationSpec
from adapters.contract.messages import Receive, Rule, Timeout, UpdateClient
from adapters.embedded import wire
from adapters.embedded.committee import Committee
from proofs.cometbft.ibc_messages import decode_client_header, encode_client_header
from proofs.cometbft.types import LightBlock
from proofs.commitment import ClientId, Packet, Payload, commitment_path, packet_commitment, receipt_path
from proofs.encoding.proof_batch import join_batch
from proofs.light_client import Claim, Height
from tests.adapters.embedded.world import ALICE, Clock, Side, linked
from tests.proofs.attestation.builders import ADDRESSES, batch, packets, state


async def _attested() -> tuple[Side, ClientId]:
    side = Side("ledger-a", Clock())
    spec = AttestationSpec(ADDRESSES[:3], 2, Height(0, 10), int(side.clock.now))
    assert await side.setup.next_client_id(spec) == "attestations-0"
    client = await side.setup.create_client(spec, counterparty=ClientId("client-0"), prefix=(b"",), signer=ALICE)
    side.client = client
    return side, client


def _packet(side: Side, sequence: int = 1, timeout_seconds: int = 600) -> Packet:
    payload = Payload("0xapp", "mailbox", "mailbox-1", "application/octet-stream", b"from elsewhere")
    timeout = int(side.clock.now) + timeout_seconds
    return Packet(sequence, ClientId("client-0"), side.client, timeout, (payload,))


def _membership(packet: Packet) -> Claim:
    return Claim(commitment_path(packet.source_client, packet.sequence), packet_commitment(packet))


async def test_a_quorum_of_attestors_brings_a_packet_in() -> None:
    side, client = await _attested()
    (described,) = await side.destination.clients([client])
    assert (described.family, described.variant, described.state) == ("attestation", "tagged", "active")
    assert (described.signers, described.threshold) == (ADDRESSES[:3], 2)
    assert (described.counterparty, described.prefix) == ("client-0", (b"",))
    packet = _packet(side)
    update = UpdateClient(client, state(11, int(side.clock.now)))
    receive = Receive(packet, batch(11, [_membership(packet)]), Height(0, 11))
    result = await side.submit([update, receive])
    assert (result.code, result.redundant) == ("", 0)
    again = await side.submit([update, receive])
    assert (again.code, again.redundant) == ("", 2)


WRONG_PROOFS: dict[str, tuple[Callable[[Claim], bytes], Rule]] = {
    "one_signature": (lambda claim: batch(11, [claim], (0,)), Rule.QUORUM),
    "foreign_signer": (lambda claim: batch(11, [claim], (0, 5)), Rule.QUORUM),
    "one_signer_twice": (lambda claim: batch(11, [claim], (1, 1)), Rule.QUORUM),
    "other_height": (lambda claim: batch(12, [claim]), Rule.INVALID_PROOF),
    "other_value": (lambda claim: batch(11, [replace(claim, value=b"\x09" * 32)]), Rule.INVALID_PROOF),
    "absence": (lambda claim: batch(11, [replace(claim, value=None)]), Rule.INVALID_PROOF),
    "not_a_batch": (lambda claim: packets(11, [claim]), Rule.INVALID_PROOF),
    "two_proofs": (lambda claim: join_batch([packets(11, [claim])] * 2), Rule.INVALID_PROOF),
}


@pytest.mark.parametrize("corruption", WRONG_PROOFS)
async def test_a_wrong_attestation_is_refused_by_name(corruption: str) -> None:
    side, client = await _attested()
    packet = _packet(side)
    make, rule = WRONG_PROOFS[corruption]
    update = UpdateClient(client, state(11, int(side.clock.now)))
    result = await side.submit([update, Receive(packet, make(_membership(packet)), Height(0, 11))])
    assert result.code == rule


async def test_a_timeout_on_attested_absence() -> None:
    side, client = await _attested()
    packet = await side.send(timeout_seconds=60)
    absent = Claim(receipt_path(packet.dest_client, packet.sequence), None)
    early = int(side.clock.now) + 10
    timeout = Timeout(packet, batch(11, [absent]), Height(0, 11))
    assert (await side.submit([UpdateClient(client, state(11, early)), timeout])).code == Rule.NOT_YET_EXPIRED
    late = Timeout(packet, batch(12, [absent]), Height(0, 12))
    assert (await side.submit([UpdateClient(client, state(12, packet.timeout)), late])).code == ""


async def test_two_times_for_one_height_freeze_an_attested_client_for_ever() -> None:
    side, client = await _attested()
    now = int(side.clock.now)
    assert (await side.submit([UpdateClient(client, state(11, now))])).code == ""
    freezing = await side.submit([UpdateClient(client, state(11, now + 1))])
    assert (freezing.code, [each.kind for each in freezing.events]) == ("", ["client_changed"])
    (described,) = await side.destination.clients([client])
    assert described.state == "frozen"
    (refusal,) = await side.destination.screen([UpdateClient(client, state(12, now + 5))], ALICE.account)
    assert isinstance(refusal, RefusedForNow)
    assert refusal.rule == Rule.CLIENT_FROZEN


def _second_header(side: Side, step: bytes) -> bytes:
    """Another block at the same height, signed by the same committee."""
    header = decode_client_header(step)
    other = replace(header.block.signed_header.header, app_hash=b"\x13" * 32)
    committee = Committee(side.genesis.chain_id, side.genesis.seed)
    signed = committee.sign(other, side.genesis.powers)
    return encode_client_header(replace(header, block=LightBlock(signed, header.block.validators)))


async def test_two_blocks_of_one_height_freeze_a_verifying_client() -> None:
    a, b = await linked()
    update = await b.update_of(a)
    assert update is not None
    conflict = _second_header(a, update.message)
    harmless = await b.execute([wire.MsgMisbehaviour(b.client, update.message, update.message)])
    assert harmless.code == Rule.INVALID_PROOF
    frozen = await b.execute([wire.MsgMisbehaviour(b.client, update.message, conflict)])
    assert frozen.code == ""
    (described,) = await b.destination.clients([b.client])
    assert described.state == "frozen"
    assert (await b.submit([update])).code == Rule.CLIENT_FROZEN
    payload = wire.TxPayload("mailbox", "mailbox", "mailbox-1", "application/octet-stream", b"x")
    sent = await b.execute([wire.MsgSend(b.client, int(b.clock.now) + 60, (payload,))])
    assert sent.code == Rule.CLIENT_FROZEN


async def test_client_ids_count_all_families() -> None:
    side, _ = await _attested()
    other = Side("ledger-b", side.clock)
    await side.execute([wire.MsgCreateClient("cometbft", other.light_client().encode())])
    described = await side.destination.clients([ClientId("07-tendermint-1"), ClientId("07-tendermint-0")])
    assert [each.state for each in described] == ["active", "absent"]
    assert await side.setup.next_client_id(AttestationSpec((), 0, Height(0, 1), 1)) == "attestations-2"
