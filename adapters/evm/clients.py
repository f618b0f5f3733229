"""The light clients on a host, as the host and the clients themselves describe them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from adapters.contract.errors import EndpointWrong
from adapters.contract.ledger import ClientOnHost, Endpoint
from adapters.evm.codec import COUNTERPARTY
from adapters.evm.connection import EndpointPool
from adapters.evm.jsonrpc import Call, RpcFailure, expect
from adapters.evm.wire import data, decode_data, quantity
from proofs.commitment import ClientId
from proofs.encoding.abi import decode, encode_call
from proofs.errors import MalformedProof
from proofs.light_client import Height

_ATTESTATION_STATE: Final = "((address[],uint8,uint64,bool))"


async def read_clients(
    pool: EndpointPool, name: Endpoint, ids: Sequence[ClientId], *, host: bytes, at: int, variant: str
) -> list[ClientOnHost]:
    """at: the block to ask about. A client that is none of ours to read has the family "unknown"."""
    if not ids:
        return []
    asked = [_call(host, encode_call(f"{view}(string)", (each,)), at) for each in ids for view in _VIEWS]
    answers = (await pool.ask(asked, endpoint=name)).answer
    addresses = [_address(_returned(answer, name, at), name) for answer in answers[::2]]
    counterparties = [_counterparty(_returned(answer, name, at), name) for answer in answers[1::2]]
    present = [address for address in addresses if address is not None]
    states: dict[bytes, bytes] = {}
    if present:
        asked = [_call(address, encode_call("getClientState()", ()), at) for address in present]
        said = (await pool.ask(asked, endpoint=name)).answer
        states = {address: _returned(answer, name, at) or b"" for address, answer in zip(present, said, strict=True)}
    return [
        _absent(client)
        if address is None or counterparty is None
        else _describe(client, states[address], counterparty, variant)
        for client, address, counterparty in zip(ids, addresses, counterparties, strict=True)
    ]


_VIEWS: Final = ("getClient", "getCounterparty")


def _call(to: bytes, calldata: bytes, at: int) -> Call[bytes]:
    return Call("eth_call", ({"to": data(to), "input": data(calldata)}, quantity(at)), decode_data)


def _returned(answer: bytes | RpcFailure, name: Endpoint, at: int) -> bytes | None:
    """What a view returned; None where it reverts, or where no contract answers."""
    if isinstance(answer, RpcFailure) and answer.is_reverted:
        return None
    return expect(answer, name, height=at) or None


def _address(returned: bytes | None, name: Endpoint) -> bytes | None:
    if returned is None:
        return None
    try:
        address: bytes = decode("(address)", returned)[0]
    except MalformedProof as refusal:
        raise EndpointWrong(name, what="getClient", got=str(refusal), expected="an address") from None
    return address


def _counterparty(returned: bytes | None, name: Endpoint) -> tuple[ClientId, tuple[bytes, ...]] | None:
    if returned is None:
        return None
    try:
        client, prefix = decode(f"({COUNTERPARTY})", returned)[0]
    except MalformedProof as refusal:
        if refusal.part == "ABI string":
            # Anybody may register a client with a name that is no text: for us it is not there.
            return None
        raise EndpointWrong(name, what="getCounterparty", got=str(refusal), expected="a counterparty") from None
    return ClientId(client), tuple(prefix)


def _describe(
    client: ClientId, state: bytes, counterparty: tuple[ClientId, tuple[bytes, ...]], variant: str
) -> ClientOnHost:
    other, prefix = counterparty
    try:
        # getClientState returns bytes, which hold an encoded tuple.
        signers, threshold, latest, frozen = decode(_ATTESTATION_STATE, decode("(bytes)", state)[0])[0]
    except MalformedProof:
        return ClientOnHost(client, "unknown", "", "active", Height(0, 0), None, other, prefix)
    standing: Literal["active", "frozen"] = "frozen" if frozen else "active"
    return ClientOnHost(
        id=client,
        family="attestation",
        variant=variant,
        state=standing,
        latest=Height(0, latest),
        expires_at=None,
        counterparty=other,
        prefix=prefix,
        signers=tuple(signers),
        threshold=threshold,
    )


def _absent(client: ClientId) -> ClientOnHost:
    return ClientOnHost(client, "", "", "absent", Height(0, 0), None, ClientId(""), ())
