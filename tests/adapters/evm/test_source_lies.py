"""Sources whose endpoints lie: each lie is found out, by name, and an honest endpoint answers instead."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from adapters.contract.errors import EndpointUnavailable, EndpointWrong, FinalityViolated, LedgerError
from adapters.contract.ledger import Cursor, Endpoint, Included, Scan
from adapters.contract.messages import Sent
from adapters.evm.chain import header_rlp
from adapters.evm.endpoint_quorum import EndpointQuorumClient, decode_answers, encode_answers
from adapters.evm.wire import BlockJson
from proofs.commitment import commitment_path, packet_commitment, send_counter_path
from proofs.errors import InsufficientVotingPower, InvalidProof
from proofs.light_client import Claim, Height
from proofs.primitives.hashing import keccak256
from tests.adapters.evm.ledger_world import EvmWorld, evm_world
from tests.adapters.evm.liar import Liar, Lie, liar
from tests.adapters.evm.liar import honest as honest_lie
from tests.nodes.anvil import AnvilNode

pytestmark = pytest.mark.nodes

Change = Callable[[Any], Any]


@asynccontextmanager
async def lied_to(anvil: AnvilNode, *, honest: int = 0, k: int = 1) -> AsyncIterator[tuple[EvmWorld, Liar]]:
    """A world behind one liar, and `honest` more endpoints, with one packet sent and final."""
    async with liar(anvil) as told, liar(anvil) as one, liar(anvil) as two:
        others = [{"name": f"honest-{index}", "url": each.url} for index, each in enumerate((one, two)[:honest])]
        endpoints = [{"name": "liar", "url": told.url}, *others]
        changed = {"endpoints": endpoints, "trust": {"kind": "endpoint-quorum", "k": k}}
        async with evm_world(anvil, **changed) as world:
            await world.include(await world.send())
            world.finalise()
            yield world, told


async def scan_all(world: EvmWorld) -> Scan:
    source = world.ledger.source
    through = (await source.head()).final
    return await source.scan(await source.start(None), through=through, event_limit=100)


def each_log(**changed: Any) -> Change:
    return lambda logs: [log | changed for log in logs]


LIES: dict[str, tuple[str, Change, str]] = {
    "a log of another block": ("eth_getLogs", each_log(blockHash="0x" + "ab" * 32), "block of a log"),
    "a log of another contract": ("eth_getLogs", each_log(address="0x" + "ab" * 20), "log address"),
    "a log outside the range": ("eth_getLogs", each_log(blockNumber="0xffffff"), "log order"),
    "a log that was removed": ("eth_getLogs", each_log(removed=True), "log"),
    "a log twice": ("eth_getLogs", lambda logs: [*logs, logs[-1]], "log order"),
    "logs in another order": ("eth_getLogs", lambda logs: logs[::-1], "log order"),
    "another sequence in the topics": (
        "eth_getLogs",
        lambda logs: [
            log | {"topics": [*log["topics"][:2], "0x" + "00" * 31 + "09"][: len(log["topics"])]} for log in logs
        ],
        "event",
    ),
    "event data with something after it": (
        "eth_getLogs",
        lambda logs: [log | {"data": log["data"] + "00" * 32} for log in logs],
        "event",
    ),
    "a header with another state": (
        "eth_getBlockByNumber",
        lambda block: block | {"stateRoot": "0x" + "ab" * 32},
        "hash of header",
    ),
    "a header of another number": (
        "eth_getBlockByNumber",
        lambda block: block | {"number": hex(int(block["number"], 16) + 1)},
        "hash of header",
    ),
    "a header without a field of its fork": (
        "eth_getBlockByNumber",
        lambda block: {key: value for key, value in block.items() if key != "withdrawalsRoot"},
        "execution header",
    ),
}


@pytest.mark.parametrize("name", LIES)
async def test_a_lie_about_events_or_headers_is_found_out_by_name(anvil: AnvilNode, name: str) -> None:
    method, change, what = LIES[name]
    async with lied_to(anvil) as (world, told):
        source = world.ledger.source
        start, through = await source.start(None), (await source.head()).final
        told.about(method, change)
        with pytest.raises(EndpointWrong) as refusal:
            await source.scan(start, through=through, event_limit=100)
        assert refusal.value.endpoint == "liar"
        assert refusal.value.what.startswith(what)


async def test_an_event_that_one_endpoint_made_up_is_believed_by_nobody(anvil: AnvilNode) -> None:
    """Proofs tell a false send; that a packet arrived or ended is told by events alone."""
    async with lied_to(anvil, honest=2, k=2) as (world, told):

        def one_more(logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
            if not logs:
                return logs
            index = hex(int(logs[-1]["logIndex"], 16) + 1)
            return [*logs, logs[-1] | {"logIndex": index}]

        honest_scan = await scan_all(world)
        told.about("eth_getLogs", one_more)
        scan = await scan_all(world)
        assert scan.events == honest_scan.events
        assert scan.served_by != "liar"


async def test_one_endpoint_does_not_decide_that_a_transaction_is_gone(anvil: AnvilNode) -> None:
    """A send that is called gone is signed again: the message would be sent twice."""
    async with lied_to(anvil, honest=2, k=2) as (world, told):
        prepared = await world.send(b"once")
        world.finalise()
        told.about("eth_getTransactionReceipt", lambda _: None)
        (fate,) = await world.destination.fates([(prepared.tx_id, prepared.raw)])
        assert isinstance(fate, Included)
        assert fate.final


async def test_an_honest_endpoint_answers_instead_of_a_liar(anvil: AnvilNode) -> None:
    async with lied_to(anvil, honest=2, k=2) as (world, told):
        told.about("eth_getLogs", each_log(blockHash="0x" + "ab" * 32))
        scan = await scan_all(world)
        assert scan.served_by == "honest-0"
        assert any(isinstance(event, Sent) for event in scan.events)


async def test_an_omitted_event_is_found_by_the_proven_send_counter(anvil: AnvilNode) -> None:
    async with lied_to(anvil) as (world, told):
        told.about("eth_getLogs", lambda _: [])
        source = world.ledger.source
        scan = await scan_all(world)
        assert scan.events == ()
        client = await world.ledger.bootstrap()
        head = await source.head()
        for step in (await source.evidence(client.latest(), head.final)).answer:
            client = client.update(step, now=head.final_time)
        (proven,) = await source.prove([Claim(send_counter_path(world.client), bytes(8))], head.final)
        client.check(proven.claims, at=head.final, proof=proven.proof)
        assert proven.claims[0].value == (1).to_bytes(8, "big"), "one was sent, none was shown"


PROOF_LIES: dict[str, Change] = {
    "another value": lambda answer: changed_slot(answer, value="0x7"),
    "no value": lambda answer: changed_slot(answer, value="0x0"),
    "no nodes": lambda answer: changed_slot(answer, proof=[]),
    "a node changed": lambda answer: changed_slot(answer, proof=[flip(answer["storageProof"][0]["proof"][0])]),
    "an account node changed": lambda answer: (
        answer | {"accountProof": [flip(each) for each in answer["accountProof"]]}
    ),
}


def changed_slot(answer: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return answer | {"storageProof": [slot | changed for slot in answer["storageProof"]]}


def flip(node: str) -> str:
    return node[:-1] + ("0" if node[-1] != "0" else "1")


@pytest.mark.parametrize("name", PROOF_LIES)
async def test_an_altered_proof_is_refused_by_the_light_client_and_blame_moves_on(anvil: AnvilNode, name: str) -> None:
    async with lied_to(anvil, honest=1, k=2) as (world, told):
        source = world.ledger.source
        sent = next(event for event in (await scan_all(world)).events if isinstance(event, Sent))
        client = await world.ledger.bootstrap()
        head = await source.head()
        for step in (await source.evidence(client.latest(), head.final)).answer:
            client = client.update(step, now=head.final_time)
        claims = [Claim(commitment_path(world.client, 1), packet_commitment(sent.packet))]
        told.about("eth_getProof", PROOF_LIES[name])
        (proven,) = await source.prove(claims, head.final)
        assert proven.served_by == "liar"
        with pytest.raises(InvalidProof) as refusal:
            client.check(proven.claims, at=head.final, proof=proven.proof)
        source.blame(proven.served_by, refusal.value)
        (again,) = await source.prove(claims, head.final)
        assert again.served_by == "honest-0"
        client.check(again.claims, at=head.final, proof=again.proof)


async def test_proofs_for_other_keys_are_refused_at_once(anvil: AnvilNode) -> None:
    async with lied_to(anvil) as (world, told):
        head = await world.ledger.source.head()
        told.about("eth_getProof", lambda answer: changed_slot(answer, key="0x" + "01" * 32))
        with pytest.raises(EndpointWrong) as refusal:
            await world.ledger.source.prove([Claim(commitment_path(world.client, 1), None)], head.final)
        assert refusal.value.what == "storage keys proved"


@pytest.mark.parametrize("widest", (1, 2, 3))
async def test_ranges_are_halved_until_a_provider_gives_them(anvil: AnvilNode, widest: int) -> None:
    async with lied_to(anvil) as (world, told):
        world.finalise(6)
        honest = await scan_all(world)

        def too_wide(params: list[Any]) -> bool:
            return int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) >= widest

        told.refuse("eth_getLogs", -32005, "query exceeds max block range", when=too_wide)
        assert await scan_all(world) == honest


async def test_a_provider_that_refuses_even_one_block_is_named(anvil: AnvilNode) -> None:
    async with lied_to(anvil) as (world, told):
        told.refuse("eth_getLogs", -32005, "quota", when=lambda _: True)
        with pytest.raises(EndpointUnavailable) as refusal:
            await scan_all(world)
        assert refusal.value.endpoint == "liar"


async def test_evidence_holds_the_answer_of_every_endpoint_and_the_dissenter_is_blamed(anvil: AnvilNode) -> None:
    async with lied_to(anvil, honest=2, k=2) as (world, told):
        source = world.ledger.source
        client = await world.ledger.bootstrap()
        head = await source.head()
        other = anvil.ask("eth_getBlockByNumber", hex(head.final.number - 1), False)
        told.about("eth_getBlockByNumber", lambda _: other)
        evidence = await source.evidence(client.latest(), head.final)
        answers = decode_answers(evidence.answer[0])
        assert {answer.endpoint for answer in answers} == {b"honest-0", b"honest-1"}, "another block is no answer"
        assert client.update(evidence.answer[0], now=head.final_time).latest() == head.final


async def test_too_few_that_agree_are_not_enough(anvil: AnvilNode) -> None:
    async with lied_to(anvil, honest=1, k=2) as (world, told):
        source = world.ledger.source
        client = await world.ledger.bootstrap()
        head = await source.head()
        told.about("eth_getBlockByNumber", lambda _: None)
        with pytest.raises(EndpointUnavailable) as refusal:
            await source.evidence(client.latest(), head.final)
        assert "1 of 2" in refusal.value.reason
        with pytest.raises(LedgerError):
            await source.head()
        told.lie = honest_lie
        served = await source.evidence(client.latest(), head.final)
        assert len(decode_answers(served.answer[0])) == 2
        with pytest.raises(InsufficientVotingPower):
            client.update(alone(served.answer[0]), now=head.final_time)


def alone(evidence: bytes) -> bytes:
    first = decode_answers(evidence)[0]
    return encode_answers([(first.endpoint.decode(), first.header)])


async def test_an_endpoint_that_lags_does_not_hold_back_the_head(anvil: AnvilNode) -> None:
    async with lied_to(anvil, honest=2, k=2) as (world, told):
        world.finalise(80)
        genesis = anvil.ask("eth_getBlockByNumber", "0x0", False)
        told.about("eth_getBlockByNumber", lambda _: genesis)
        head = await world.ledger.source.head()
        assert head.final.number == int(anvil.ask("eth_blockNumber"), 16) - 2
        assert head.served_by in {"honest-0", "honest-1"}
        told.lie = honest_lie
        assert (await scan_all(world)).served_by != "liar", "it is asked last for a while"


def forged(block: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """Another block of the same height, whose fields do hash to its hash."""
    other = block | {"extraData": "0x6c6965"} | changed
    rlp = header_rlp(msgspec.convert(other, BlockJson), Endpoint("liar"))
    return other | {"hash": "0x" + keccak256(rlp).hex()}


def forge_at(height: int, **changed: Any) -> Lie:
    """Forge the header of one height only."""

    def lie(method: str, params: list[Any], reply: dict[str, Any]) -> dict[str, Any]:
        if method != "eth_getBlockByNumber" or params[0] != hex(height):
            return reply
        return reply | {"result": forged(reply["result"], **changed)}

    return lie


async def test_one_liar_about_the_past_is_no_violation_of_finality(anvil: AnvilNode) -> None:
    async with lied_to(anvil, honest=2, k=2) as (world, told):
        source = world.ledger.source
        scan = await scan_all(world)
        world.finalise()
        head = await source.head()
        told.about("eth_getBlockByNumber", forged)
        again = await source.scan(scan.cursor, through=head.final, event_limit=10)
        assert again.served_by == "honest-0"
        assert again.cursor.height == head.final


async def test_one_liar_cannot_plant_a_cursor_that_looks_like_a_violation_later(anvil: AnvilNode) -> None:
    async with lied_to(anvil, honest=2, k=2) as (world, told):
        source = world.ledger.source
        start = await source.start(None)
        through = (await source.head()).final
        told.lie = forge_at(through.number)
        scan = await source.scan(start, through=through, event_limit=100)
        assert scan.served_by == "honest-0"
        honest_block = anvil.ask("eth_getBlockByNumber", hex(through.number), False)
        assert scan.cursor.hash.hex() == honest_block["hash"][2:]


async def test_reading_starts_where_enough_endpoints_agree(anvil: AnvilNode) -> None:
    async with lied_to(anvil, honest=2, k=2) as (world, told):
        honest_start = await world.ledger.source.start(None)
        told.about("eth_getBlockByNumber", forged)
        assert await world.ledger.source.start(None) == honest_start


async def test_headers_that_do_not_follow_each_other_are_refused(anvil: AnvilNode) -> None:
    async with lied_to(anvil) as (world, told):
        source = world.ledger.source
        head = await source.head()
        start = await source.start(Height(0, head.final.number - 1))
        told.lie = forge_at(head.final.number, parentHash="0x" + "ab" * 32)
        with pytest.raises(EndpointWrong) as refusal:
            await source.scan(start, through=head.final, event_limit=10)
        assert refusal.value.what == f"parent of block {head.final.number}"
        told.lie = forge_at(head.final.number, timestamp="0x1")
        with pytest.raises(EndpointWrong) as refusal:
            await source.scan(start, through=head.final, event_limit=10)
        assert refusal.value.what == f"time of block {head.final.number}"


async def test_the_dissenter_stands_in_the_evidence_and_convinces_nobody(anvil: AnvilNode) -> None:
    async with lied_to(anvil, honest=2, k=2) as (world, told):
        source = world.ledger.source
        client = await world.ledger.bootstrap()
        head = await source.head()
        told.about("eth_getBlockByNumber", forged)
        evidence = (await source.evidence(client.latest(), head.final)).answer[0]
        assert len(decode_answers(evidence)) == 3
        client = client.update(evidence, now=head.final_time)
        assert isinstance(client, EndpointQuorumClient)
        assert client.headers[head.final.number].hash == head.final_hash
        told.lie = honest_lie
        assert (await scan_all(world)).served_by != "liar"


async def test_a_cursor_that_enough_endpoints_contradict_is_a_violation_of_finality(anvil: AnvilNode) -> None:
    async with lied_to(anvil, honest=2, k=2) as (world, _):
        source = world.ledger.source
        scan = await scan_all(world)
        world.finalise()
        through = (await source.head()).final
        with pytest.raises(FinalityViolated) as refusal:
            await source.scan(Cursor(scan.cursor.height, bytes(32)), through=through, event_limit=10)
        assert refusal.value.got == scan.cursor.hash.hex()
