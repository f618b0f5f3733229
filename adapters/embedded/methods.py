"""The questions to a node as they travel: one struct per question, its tag is the method's name."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from adapters.embedded.wire import Msg


class AskStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="status"):
    pass


class AskBlocks(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="blocks"):
    start: int
    limit: int


class AskLightBlock(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="light_block"):
    height: int


class AskProofs(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="prove"):
    keys: tuple[bytes, ...]
    at: int


class AskValues(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="values"):
    keys: tuple[bytes, ...]


class AskClients(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="clients"):
    ids: tuple[str, ...]


class AskClientCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="client_count"):
    pass


class AskSimulation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="simulate"):
    sender: str
    messages: tuple[Msg, ...]


class AskBroadcast(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="broadcast"):
    raw: bytes


class AskResults(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="results"):
    tx_ids: tuple[str, ...]


class AskAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="account"):
    account: str


Ask: TypeAlias = (
    AskStatus
    | AskBlocks
    | AskLightBlock
    | AskProofs
    | AskValues
    | AskClients
    | AskClientCount
    | AskSimulation
    | AskBroadcast
    | AskResults
    | AskAccount
)


class Trouble(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """kind: "refused", "pruned", "unavailable" or "malformed"."""

    kind: str
    code: str
    detail: str
    height: int = 0
