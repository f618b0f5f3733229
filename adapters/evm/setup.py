"""Setting up: deploy a host with its mailbox, and register light clients on a host. Used by people, not by the relay.

Works with our own host and with a deployed ICS26Router alike: the functions called are those both have. Every call is
simulated first, so that a refusal costs nothing and names itself; its gas limit is what the simulation used, with room.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.contract.errors import EndpointUnavailable, EndpointWrong, OutOfFunds, RefusedForNow
from adapters.contract.ledger import AttestationSpec, ClientSpec, Signer
from adapters.contract.messages import Rule
from adapters.contract.plugin import SettingRefused
from adapters.evm.artifacts import load_artifact
from adapters.evm.codec import CLIENT_ADDED_EVENT, COUNTERPARTY
from adapters.evm.fees import FeeRules, compute_price
from adapters.evm.refusals import refusal_of
from adapters.evm.rpc import Rpc
from adapters.evm.transactions import (
    Transaction,
    account_of,
    address_of_public_key,
    create_address,
    sign_transaction,
)
from proofs.commitment import ClientId
from proofs.encoding import abi
from proofs.primitives.hashing import keccak256

MAILBOX_VALUE_BYTES: Final = 64 * 1024

_GAS_AMPLE: Final = 15_000_000  # below every block limit we know; the calls of this page use a hundredth
_CLIENTS_PROBED_MAX: Final = 1000  # hosts that do not count named clients are asked name by name
_QUANTITY: Final = re.compile(r"0x[0-9a-fA-F]{1,64}")
_DATA: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a call would do at the newest state."""

    accepted: bool
    gas_used: int
    returned: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """logs: those of the whole transaction, as (address, topics, data)."""

    height: int
    accepted: bool
    logs: tuple[tuple[bytes, tuple[bytes, ...], bytes], ...]


@dataclass(frozen=True, slots=True)
class EvmSetup:
    """Implements adapters.contract.ledger.Setup.

    host:               None before one is deployed; then only `deploy_host` can be asked.
    poll_seconds:       between two looks for a receipt.
    wait_seconds_max:   for one transaction to be included; after that the outcome is unknown.
    """

    rpc: Rpc
    chain_id: int
    host: bytes | None = None
    fees: FeeRules = field(default_factory=FeeRules)
    poll_seconds: float = 0.2
    wait_seconds_max: float = 180

    @property
    def merkle_prefix(self) -> tuple[bytes, ...]:
        """One empty element: paths of this host are raw."""
        return (b"",)

    def supports(self, spec: type[ClientSpec], family: str) -> bool:
        return spec is AttestationSpec and family == "attestation"

    async def deploy_host(self, signer: Signer) -> Mapping[str, object]:
        """The signer becomes the owner: it names ports and clients. Relaying is open to everybody."""
        owner = address_of_public_key(signer.public_key)
        host, height = await self._deploy("Host", "(address)", (owner,), signer=signer)
        mailbox, _ = await self._deploy("Mailbox", "(address,uint256)", (host, MAILBOX_VALUE_BYTES), signer=signer)
        await self._transact(host, abi.encode_call("addIBCApp(address)", (mailbox,)), signer=signer)
        return {
            "host": account_of(host),
            "mailbox": account_of(mailbox),
            "host_code": load_artifact("Host").code_hash.hex(),
            "host_height": height,
        }

    async def next_client_id(self, spec: ClientSpec) -> ClientId:
        """The first free name. Another who adds a client meanwhile may take it: then `create_client` refuses."""
        _require_attestation(spec)
        host = self._require_host()
        counted = await self._read(host, abi.encode_call("getNextClientSeq()", ()))
        if len(counted) != 32:
            raise SettingRefused("host", account_of(host), "the address of a deployed host")
        first = int.from_bytes(counted, "big")
        for number in range(first, first + _CLIENTS_PROBED_MAX):
            name = f"attestations-{number}"
            if not (await self._simulate(host, abi.encode_call("getClient(string)", (name,)))).accepted:
                return ClientId(name)
        raise RefusedForNow(Rule.UNKNOWN, f"no free client id in {_CLIENTS_PROBED_MAX} names from {first} on")

    async def create_client(
        self, spec: ClientSpec, *, counterparty: ClientId, prefix: Sequence[bytes], signer: Signer
    ) -> ClientId:
        """Deploy the light client and register it under the next free name. Raises HostRefusal, EndpointTrouble."""
        attestation = _require_attestation(spec)
        host = self._require_host()
        name = await self.next_client_id(spec)
        anybody = bytes(20)
        arguments = (
            attestation.attestors,
            attestation.threshold,
            attestation.height.number,
            attestation.timestamp,
            anybody,
        )
        client, _ = await self._deploy(
            "AttestationClient", "(address[],uint8,uint64,uint64,address)", arguments, signer=signer
        )
        added = (name, (counterparty, tuple(prefix)), client)
        call = abi.encode_call(f"addClient(string,{COUNTERPARTY},address)", added)
        receipt = await self._transact(host, call, signer=signer)
        expected = (host, (CLIENT_ADDED_EVENT,), abi.encode(f"(string,{COUNTERPARTY},address)", added))
        if expected not in receipt.logs:
            raise EndpointWrong("", "ICS02ClientAdded event", got=len(receipt.logs), expected=name)
        return name

    def _require_host(self) -> bytes:
        if self.host is None:
            raise SettingRefused("host", None, "the address of a deployed host")
        return self.host

    async def _deploy(self, name: str, types: str, arguments: Sequence[object], *, signer: Signer) -> tuple[bytes, int]:
        """Create a contract of ours and look at its code. Returns its address and height."""
        artifact = load_artifact(name)
        sender = address_of_public_key(signer.public_key)
        address = create_address(sender, await self._nonce(sender))
        receipt = await self._transact(b"", artifact.creation + abi.encode(types, arguments), signer=signer)
        code = _octets(await self.rpc.call("eth_getCode", [_hex(address), "latest"]))
        if keccak256(code) != artifact.code_hash:
            raise EndpointWrong("", f"code of the new {name}", got=keccak256(code), expected=artifact.code_hash)
        return address, receipt.height

    async def _transact(self, to: bytes, data: bytes, *, signer: Signer) -> Receipt:
        """Simulate, sign, send and wait for inclusion."""
        sender = address_of_public_key(signer.public_key)
        account = account_of(sender)
        gas_used = await self._gas_used(to, data, sender=sender)
        block = await self.rpc.call("eth_getBlockByNumber", ["latest", False])
        price = compute_price(_number(_field(block, "baseFeePerGas")), 0, self.fees)
        transaction = Transaction(
            chain_id=self.chain_id,
            nonce=await self._nonce(sender),
            max_priority_fee=price.tip,
            max_fee=price.most,
            gas=gas_used * 115 // 100 + 50_000,
            to=to,
            data=data,
        )
        balance = _number(await self.rpc.call("eth_getBalance", [_hex(sender), "latest"]))
        if balance < transaction.cost_max:
            raise OutOfFunds(account, balance=balance, needed=transaction.cost_max)
        signed = sign_transaction(transaction, signer)
        await self.rpc.call("eth_sendRawTransaction", [_hex(signed.raw)])
        receipt = await self._wait(signed.id)
        if not receipt.accepted:
            raise RefusedForNow(Rule.UNKNOWN, f"{signed.id} was accepted in simulation and reverted when included")
        return receipt

    async def _gas_used(self, to: bytes, data: bytes, *, sender: bytes) -> int:
        """Raises HostRefusal when the call would revert."""
        if not to:
            # Nodes differ in whether they simulate creation. An estimate will do for it: no application is called
            # there that could take too little gas for a reason to fail.
            creation = {"from": _hex(sender), "input": _hex(data)}
            return _number(await self.rpc.call("eth_estimateGas", [creation]))
        simulated = await self._simulate(to, data, sender=sender)
        if not simulated.accepted:
            raise refusal_of(simulated.returned, message=None, account=account_of(sender))
        return simulated.gas_used

    async def _wait(self, transaction_id: str) -> Receipt:
        """The receipt, as soon as there is one."""
        for _ in range(max(1, int(self.wait_seconds_max / self.poll_seconds))):
            receipt = await self.rpc.call("eth_getTransactionReceipt", [transaction_id])
            if receipt is not None:
                return _receipt(receipt)
            await asyncio.sleep(self.poll_seconds)
        raise EndpointUnavailable("", f"{transaction_id} was not included within {self.wait_seconds_max} s")

    async def _nonce(self, sender: bytes) -> int:
        return _number(await self.rpc.call("eth_getTransactionCount", [_hex(sender), "pending"]))

    async def _read(self, to: bytes, data: bytes) -> bytes:
        simulated = await self._simulate(to, data)
        if not simulated.accepted:
            raise refusal_of(simulated.returned, message=None, account="")
        return simulated.returned

    async def _simulate(self, to: bytes, data: bytes, *, sender: bytes = bytes(20)) -> Simulated:
        call = {"from": _hex(sender), "to": _hex(to), "input": _hex(data), "gas": hex(_GAS_AMPLE)}
        blocks = await self.rpc.call("eth_simulateV1", [{"blockStateCalls": [{"calls": [call]}]}, "latest"])
        if not isinstance(blocks, list) or len(blocks) != 1:
            raise EndpointWrong("", "eth_simulateV1", got=blocks, expected="one block")
        results = _field(blocks[0], "calls")
        if not isinstance(results, list) or len(results) != 1:
            raise EndpointWrong("", "eth_simulateV1", got=results, expected="one call")
        return Simulated(
            accepted=_number(_field(results[0], "status")) == 1,
            gas_used=_number(_field(results[0], "gasUsed")),
            returned=_returned(results[0]),
        )


def _require_attestation(spec: ClientSpec) -> AttestationSpec:
    assert isinstance(spec, AttestationSpec), "`supports` says which clients this host takes"
    return spec


def _returned(result: object) -> bytes:
    """What the call gave back. For a revert some nodes put it beside the error only."""
    returned = _octets(_field(result, "returnData"))
    error = result.get("error") if isinstance(result, Mapping) else None
    if not returned and isinstance(error, Mapping) and isinstance(error.get("data"), str):
        return _octets(error["data"])
    return returned


def _receipt(receipt: object) -> Receipt:
    logs = _field(receipt, "logs")
    if not isinstance(logs, list):
        raise EndpointWrong("", "logs of a receipt", got=logs, expected="a list")
    return Receipt(
        height=_number(_field(receipt, "blockNumber")),
        accepted=_number(_field(receipt, "status")) == 1,
        logs=tuple(_log(log) for log in logs),
    )


def _log(log: object) -> tuple[bytes, tuple[bytes, ...], bytes]:
    topics = _field(log, "topics")
    if not isinstance(topics, list):
        raise EndpointWrong("", "topics of a log", got=topics, expected="a list")
    return _octets(_field(log, "address")), tuple(_octets(topic) for topic in topics), _octets(_field(log, "data"))


def _field(answer: object, name: str) -> object:
    if not isinstance(answer, Mapping) or name not in answer:
        raise EndpointWrong("", name, got=answer, expected="an object that has it")
    return answer[name]


def _number(value: object) -> int:
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise EndpointWrong("", "quantity", got=value, expected="0x-hex")
    return int(value, 16)


def _octets(value: object) -> bytes:
    if not isinstance(value, str) or not _DATA.fullmatch(value):
        raise EndpointWrong("", "data", got=value, expected="0x-hex")
    return bytes.fromhex(value[2:])


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
