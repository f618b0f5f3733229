"""JSON-RPC itself: requests to bytes, replies to checked values. One reply per call, whatever order they came in.

What a node says about a call (an `error` object, which comes with HTTP status 200) is an answer: `RpcFailure`. A reply
that is none is raised.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import msgspec

from adapters.contract.errors import EndpointUnavailable, EndpointWrong, HistoryPruned
from adapters.contract.ledger import Endpoint

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_PRUNED: Final = re.compile(
    r"missing trie node|pruned|out ?of ?range|not available|state .*(unavailable|not found)|header not found"
    r"|(unknown|could not find) block|block not found|distance to target block exceeds",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Call(Generic[T_co]):
    """One JSON-RPC call. decode: turns its raw JSON result into a checked value, or raises msgspec.DecodeError."""

    method: str
    params: Sequence[object]
    decode: Callable[[bytes], T_co]


@dataclass(frozen=True, slots=True)
class RpcFailure:
    """The node's `error` object. data: what a reverted call returned."""

    code: int
    message: str
    data: bytes = b""

    @property
    def is_reverted(self) -> bool:
        return self.code == 3 or "revert" in self.message.lower()

    @property
    def is_pruned(self) -> bool:
        return _PRUNED.search(self.message) is not None


class _ErrorObject(msgspec.Struct):
    code: int
    message: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


class Reply(msgspec.Struct):
    id: int | None = None
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: _ErrorObject | None = None


_REPLIES: Final[msgspec.json.Decoder[list[Reply] | Reply]] = msgspec.json.Decoder(list[Reply] | Reply)


def expect(answer: T | RpcFailure, by: Endpoint, *, height: int | None = None) -> T:
    """The answer itself. Raises EndpointUnavailable, or HistoryPruned where `height` is given and the node says so."""
    if not isinstance(answer, RpcFailure):
        return answer
    if height is not None and answer.is_pruned:
        raise HistoryPruned(by, height)
    raise EndpointUnavailable(by, f"answered with error {answer.code}: {answer.message[:200]}")


def encode_calls(calls: Sequence[Call[T]], first: int) -> bytes:
    requests = [
        {"jsonrpc": "2.0", "id": first + position, "method": call.method, "params": list(call.params)}
        for position, call in enumerate(calls)
    ]
    return msgspec.json.encode(requests[0] if len(requests) == 1 else requests)


def match_replies(name: Endpoint, body: bytes, first: int, count: int) -> list[Reply]:
    """One reply per call, in the order of the calls, whatever order they came in."""
    try:
        decoded = _REPLIES.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise EndpointWrong(name, what="JSON-RPC reply", got=str(error), expected="an object or a list") from None
    if isinstance(decoded, Reply):
        if count > 1 and decoded.error is not None:
            # A node that does not take an array refuses it as a whole.
            raise EndpointUnavailable(name, f"refused a batch of {count}: {decoded.error.message[:200]}")
        decoded = [decoded]
    by_id = {reply.id: reply for reply in decoded}
    wanted = list(range(first, first + count))
    if count == 1 and len(decoded) == 1 and decoded[0].id is None and decoded[0].error is not None:
        return decoded
    if len(decoded) != count or set(by_id) != set(wanted):
        raise EndpointWrong(name, what="reply ids", got=len(by_id), expected=f"{first} to {first + count - 1}")
    return [by_id[each] for each in wanted]


def decode_reply(name: Endpoint, call: Call[T], reply: Reply) -> T | RpcFailure:
    if reply.error is not None:
        return RpcFailure(reply.error.code, reply.error.message, _revert_data(bytes(reply.error.data)))
    if reply.result is msgspec.UNSET:
        raise EndpointWrong(name, what=call.method, got="neither result nor error", expected="one of them")
    try:
        return call.decode(bytes(reply.result))
    except (msgspec.DecodeError, RecursionError) as error:
        raise EndpointWrong(name, what=call.method, got=str(error), expected="the type of the specification") from None


def _revert_data(raw: bytes) -> bytes:
    """Hex text where the node gives it; other forms are for people and are left out."""
    text = raw.strip(b'"')
    if not re.fullmatch(rb"0x([0-9a-fA-F]{2})*", text):
        return b""
    return bytes.fromhex(text[2:].decode("ascii"))
