"""One host on the shared node, two attestation clients on it that name each other, and the keys of their attestors.

What is sent under the first client arrives under the second and the other way round, so one host lives both sides of a
packet. Attestations are built here with eth_abi and coincurve alone: the contracts are not judged by our own encoders.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import coincurve
from eth_abi.abi import encode as eth_abi_encode

from adapters.contract.ledger import AttestationSpec
from adapters.evm.artifacts import load_artifact
from adapters.evm.setup import EvmSetup
from adapters.evm.transactions import (
    Transaction,
    address_of_public_key,
    address_of_secret,
    create_address,
    sign_transaction,
)
from proofs.commitment import ClientId, Packet, Payload
from proofs.encoding import abi
from proofs.light_client import Height
from proofs.primitives.hashing import keccak256
from relay.keys.signer import Secp256k1Signer
from tests.nodes.anvil import AnvilNode, NodeRefused

ATTESTORS: Final = tuple(bytes((number,)) * 32 for number in (1, 2, 3))
STRANGER: Final = bytes((9,)) * 32
QUORUM: Final = ATTESTORS[:2]
STATE: Final = 1
PACKET: Final = 2
FIRST_HEIGHT: Final = 10

PAYLOAD_TYPE: Final = "(string,string,string,string,bytes)"
PACKET_TYPE: Final = f"(uint64,string,string,uint64,{PAYLOAD_TYPE}[])"
HEIGHT_TYPE: Final = "(uint64,uint64)"
RECV: Final = f"recvPacket(({PACKET_TYPE},bytes,{HEIGHT_TYPE}))"
ACK: Final = f"ackPacket(({PACKET_TYPE},bytes,bytes,{HEIGHT_TYPE}))"
TIMEOUT: Final = f"timeoutPacket(({PACKET_TYPE},bytes,{HEIGHT_TYPE}))"
UPDATE: Final = "updateClient(string,bytes)"
MAILBOX_SEND: Final = "send(string,string,uint64,bytes)"
UNRULY_SEND: Final = f"send((string,uint64,{PAYLOAD_TYPE}))"

_numbers = itertools.count()


@dataclass(eq=False)
class Reverted(Exception):
    """What the call returned when it reverted."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Log:
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


def attested(kind: int, data: bytes, secrets: Sequence[bytes]) -> bytes:
    """An attestation as the light client takes it. kind: STATE or PACKET, or anything a liar may choose."""
    return eth_abi_encode(["(bytes,bytes[])"], [(data, [attestation_signature(kind, data, each) for each in secrets])])


def attestation_signature(kind: int, data: bytes, secret: bytes) -> bytes:
    digest = hashlib.sha256(bytes((kind,)) + hashlib.sha256(data).digest()).digest()
    signature = coincurve.PrivateKey(secret).sign_recoverable(digest, hasher=None)
    return signature[:64] + bytes((27 + signature[64],))


def state_attestation(height: int, timestamp: int, *, secrets: Sequence[bytes] = QUORUM, kind: int = STATE) -> bytes:
    return attested(kind, eth_abi_encode(["uint64", "uint64"], [height, timestamp]), secrets)


def packet_attestation(
    height: int, entries: Sequence[tuple[bytes, bytes]], *, secrets: Sequence[bytes] = QUORUM, kind: int = PACKET
) -> bytes:
    """entries: (path, commitment), the commitment all zero for absence."""
    hashed = [(keccak256(path), commitment) for path, commitment in entries]
    return attested(kind, eth_abi_encode(["(uint64,(bytes32,bytes32)[])"], [(height, hashed)]), secrets)


def payload_values(payload: Payload) -> tuple[str, str, str, str, bytes]:
    return payload.source_port, payload.dest_port, payload.version, payload.encoding, payload.value


def packet_values(packet: Packet) -> tuple[Any, ...]:
    payloads = tuple(payload_values(each) for each in packet.payloads)
    return packet.sequence, packet.source_client, packet.dest_client, packet.timeout, payloads


@dataclass(frozen=True, slots=True)
class World:
    """unruly: the app that misbehaves as its packets say."""

    node: AnvilNode
    signer: Secp256k1Signer
    host: bytes
    mailbox: bytes
    unruly: bytes
    here: ClientId
    there: ClientId

    @property
    def account(self) -> bytes:
        return address_of_public_key(self.signer.public_key)

    def port(self, app: bytes) -> str:
        return hex0(app)

    # --- calls and transactions

    def call(self, to: bytes, data: bytes, *, sender: bytes | None = None) -> bytes:
        """Run against the newest state, change nothing. Raises Reverted."""
        request = {
            "from": hex0(sender or self.account),
            "to": hex0(to),
            "input": hex0(data),
            "gas": hex(25_000_000),
        }
        return self._ask(request)

    def read(self, to: bytes, signature: str, *values: object) -> bytes:
        return self.call(to, abi.encode_call(signature, values))

    def transact(self, to: bytes, data: bytes, *, gas: int = 15_000_000) -> list[Log]:
        """Include it. Returns its logs; raises Reverted without data when it failed."""
        transaction = Transaction(
            chain_id=self.node.chain_id,
            nonce=self._nonce(),
            max_priority_fee=1,
            max_fee=10**12,
            gas=gas,
            to=to,
            data=data,
        )
        signed = sign_transaction(transaction, self.signer)
        receipt = self._receipt(self.node.ask("eth_sendRawTransaction", hex0(signed.raw)))
        if receipt["status"] != "0x1":
            raise Reverted(b"")
        return [
            Log(octets(log["address"]), tuple(octets(topic) for topic in log["topics"]), octets(log["data"]))
            for log in receipt["logs"]
        ]

    def deploy(self, name: str, types: str, *values: object) -> bytes:
        """A contract of ours. Raises Reverted."""
        creation = load_artifact(name).creation + abi.encode(types, values)
        self._ask({"from": hex0(self.account), "input": hex0(creation)})
        address = create_address(self.account, self._nonce())
        self.transact(b"", creation)
        return address

    def _ask(self, request: dict[str, str]) -> bytes:
        try:
            return octets(self.node.ask("eth_call", request, "latest"))
        except NodeRefused as refused:
            raise Reverted(refused.data) from refused

    def _nonce(self) -> int:
        return int(self.node.ask("eth_getTransactionCount", hex0(self.account), "latest"), 16)

    def _receipt(self, transaction_id: str) -> Any:
        """The node mines at once, but answers before it has."""
        for _ in range(2000):
            if receipt := self.node.ask("eth_getTransactionReceipt", transaction_id):
                return receipt
            time.sleep(0.005)
        raise AssertionError(f"{transaction_id} was not mined within 10 s")

    # --- the life of a packet

    def send(
        self,
        value: bytes = b"hello",
        *,
        timeout: int | None = None,
        app: bytes | None = None,
        dest_port: str | None = None,
    ) -> Packet:
        """From an app of the host, under the client `here`; to the same app unless told otherwise."""
        app = app or self.mailbox
        deadline = timeout or self.node.now() + 3600
        port = dest_port or self.port(app)
        payload = Payload(self.port(app), port, "mailbox-1", "application/octet-stream", value)
        if app == self.mailbox:
            call = abi.encode_call(MAILBOX_SEND, (self.here, port, deadline, value))
        else:
            call = abi.encode_call(UNRULY_SEND, ((self.here, deadline, payload_values(payload)),))
        (log,) = self.of_host(self.transact(app, call))
        return Packet(int.from_bytes(log.topics[2], "big"), self.here, self.there, deadline, (payload,))

    def update(self, client: ClientId, *, timestamp: int | None = None) -> int:
        """Tell a client of a height that no test has used."""
        height = 1000 + next(_numbers)
        attestation = state_attestation(height, timestamp or self.node.now())
        self.transact(self.host, abi.encode_call(UPDATE, (client, attestation)))
        return height

    def receive(self, packet: Packet, proof: bytes, height: int) -> bytes:
        return abi.encode_call(RECV, ((packet_values(packet), proof, (0, height)),))

    def acknowledge(self, packet: Packet, acknowledgement: bytes, proof: bytes, height: int) -> bytes:
        return abi.encode_call(ACK, ((packet_values(packet), acknowledgement, proof, (0, height)),))

    def time_out(self, packet: Packet, proof: bytes, height: int) -> bytes:
        return abi.encode_call(TIMEOUT, ((packet_values(packet), proof, (0, height)),))

    def of_host(self, logs: Sequence[Log]) -> list[Log]:
        return [log for log in logs if log.address == self.host]

    def stored(self, path: bytes) -> bytes:
        return self.read(self.host, "getCommitment(bytes32)", keccak256(path))


def build_world(node: AnvilNode) -> World:
    """Through EvmSetup, the way people do it."""
    signer = Secp256k1Signer(node.funded[0].secret)
    setup = EvmSetup(node, node.chain_id, poll_seconds=0.01)
    spec = AttestationSpec(tuple(address_of_secret(each) for each in ATTESTORS), 2, Height(0, FIRST_HEIGHT), node.now())
    here, there = ClientId("attestations-0"), ClientId("attestations-1")

    async def build() -> World:
        settings = await setup.deploy_host(signer)
        host, mailbox = octets(str(settings["host"])), octets(str(settings["mailbox"]))
        on_host = replace(setup, host=host)
        for own, other in ((here, there), (there, here)):
            created = await on_host.create_client(spec, counterparty=other, prefix=[b""], signer=signer)
            assert created == own
        return World(node, signer, host, mailbox, b"", here, there)

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        world = runner.run(build())
    unruly = world.deploy("UnrulyApp", "(address)", world.host)
    world.transact(world.host, abi.encode_call("addIBCApp(address)", (unruly,)))
    return replace(world, unruly=unruly)


def hex0(value: bytes) -> str:
    return "0x" + value.hex()


def octets(text: str) -> bytes:
    return bytes.fromhex(text[2:])
