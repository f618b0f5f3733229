"""Light clients as the host keeps them: encoded in its state, decoded to be asked, replaced when they learn.

Ids count all clients of the host, whatever their family, as ibc-go does. A counterparty is registered once, by whoever
created the client. Misbehaviour that was proved to the host freezes a client beside what it says of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from adapters.contract.messages import Rule
from adapters.embedded.refusals import NOT_PERMITTED, Refused
from adapters.embedded.state import IBC, State
from proofs.attestation.client import decode_client as decode_attestation
from proofs.cometbft.client import decode_client as decode_cometbft
from proofs.commitment import ClientId, send_counter_path
from proofs.errors import (
    ClientFrozen,
    DuplicateSigner,
    InsufficientVotingPower,
    InvalidSignature,
    NotMisbehaviour,
    TrustExpired,
    UnknownHeight,
    UnknownSigner,
    VerificationError,
)
from proofs.light_client import Claim, ClientState, Height, LightClient

_DECODERS: Final[Mapping[str, Callable[[bytes], LightClient]]] = {
    "cometbft": decode_cometbft,
    "attestation": decode_attestation,
}
# What the first part of an id is on ibc-go, so that its modules accept ours as counterparties.
ID_NAMES: Final = {"cometbft": "07-tendermint", "attestation": "attestations"}

_NEXT_CLIENT: Final = b"nextClientSequence"
_CLIENT_ID_CHARS: Final = range(8, 65)
_PREFIX_MAX: Final = 8
_RELAYERS_MAX: Final = 64


class ClientRecord(msgspec.Struct, frozen=True):
    """What the host knows about a client beside what the client itself believes."""

    family: str
    creator: str
    counterparty: str = ""
    prefix: tuple[bytes, ...] = ()
    relayers: tuple[str, ...] = ()
    frozen: bool = False


# Decoding is pure and dear, so the newest few clients are kept as they are.
_decoded_before: Final[dict[tuple[str, bytes], LightClient]] = {}
_DECODED_MAX: Final = 64


def decode(family: str, encoded: bytes) -> LightClient:
    """Raises VerificationError."""
    known = _decoded_before.get((family, encoded))
    return known or _remember(family, encoded, _DECODERS[family](encoded))


def _remember(family: str, encoded: bytes, light_client: LightClient) -> LightClient:
    while len(_decoded_before) >= _DECODED_MAX:
        del _decoded_before[next(iter(_decoded_before))]
    _decoded_before[family, encoded] = light_client
    return light_client


def record(state: State, client: str) -> ClientRecord:
    stored = state.get(IBC, _record_key(client))
    if stored is None:
        raise Refused(Rule.UNKNOWN_CLIENT, client)
    return msgspec.msgpack.decode(stored, type=ClientRecord)


def encoded_client(state: State, client: str) -> bytes:
    stored = state.get(IBC, _state_key(client))
    if stored is None:
        raise Refused(Rule.UNKNOWN_CLIENT, client)
    return stored


def next_number(state: State) -> int:
    stored = state.get(IBC, _NEXT_CLIENT)
    return 0 if stored is None else int.from_bytes(stored, "big")


def found(state: State) -> None:
    """An empty store cannot prove absence: the counter is there from the first block on."""
    state.set(IBC, _NEXT_CLIENT, (0).to_bytes(8, "big"))


def create(state: State, family: str, encoded: bytes, *, creator: str, now: int) -> str:
    if family not in _DECODERS:
        raise Refused(Rule.UNKNOWN, f"no client family {family!r}")
    light_client = _decoded(family, encoded)
    _check_active(light_client, now)
    number = next_number(state)
    client = f"{ID_NAMES[family]}-{number}"
    state.set(IBC, _NEXT_CLIENT, (number + 1).to_bytes(8, "big"))
    state.set(IBC, _state_key(client), light_client.encode())
    _store(state, client, ClientRecord(family, creator))
    return client


def register(state: State, client: str, counterparty: str, prefix: tuple[bytes, ...], *, sender: str) -> None:
    known = record(state, client)
    check_is_creator(known, sender)
    if known.counterparty:
        raise Refused(Rule.WRONG_COUNTERPARTY, f"{client} has {known.counterparty} already")
    if len(counterparty) not in _CLIENT_ID_CHARS or not 1 <= len(prefix) <= _PREFIX_MAX:
        raise Refused(Rule.UNKNOWN, "a counterparty id of 8 to 64 characters and a prefix of 1 to 8 parts")
    _store(state, client, msgspec.structs.replace(known, counterparty=counterparty, prefix=prefix))
    state.set(IBC, send_counter_path_of(client), (1).to_bytes(8, "big"))


def allow_relayers(state: State, client: str, accounts: tuple[str, ...], *, sender: str) -> None:
    known = record(state, client)
    check_is_creator(known, sender)
    if len(accounts) > _RELAYERS_MAX:
        raise Refused(Rule.UNKNOWN, f"more than {_RELAYERS_MAX} relayers")
    _store(state, client, msgspec.structs.replace(known, relayers=accounts))


def check_is_creator(known: ClientRecord, sender: str) -> None:
    """ibc-go: only a client's creator registers its counterparty and its relayers."""
    if sender != known.creator:
        raise Refused(NOT_PERMITTED, "creator of the client")


def check_is_relayer(known: ClientRecord, sender: str) -> None:
    """ibc-go: a client may have a list of relayers; without one, anybody may relay."""
    if known.relayers and sender not in known.relayers:
        raise Refused(NOT_PERMITTED, "relayer of the client")


def update(state: State, client: str, message: bytes, *, sender: str, now: int) -> bool:
    """Whether the client learnt something."""
    known = record(state, client)
    check_is_relayer(known, sender)
    light_client = _usable(state, client, known, now)
    try:
        learnt = light_client.update(message, now=now)
    except VerificationError as refusal:
        raise _refused(refusal) from refusal
    encoded = learnt.encode()
    if encoded == encoded_client(state, client):
        return False
    state.set(IBC, _state_key(client), encoded)
    _remember(known.family, encoded, learnt)
    return True


def submit_misbehaviour(state: State, client: str, first: bytes, second: bytes, *, now: int) -> None:
    known = record(state, client)
    light_client = _usable(state, client, known, now)
    try:
        light_client.misbehaviour(first, second, now=now)
    except NotMisbehaviour as refusal:
        raise Refused(Rule.INVALID_PROOF, str(refusal)) from refusal
    except VerificationError as refusal:
        raise _refused(refusal) from refusal
    _store(state, client, msgspec.structs.replace(known, frozen=True))


def check_claim(state: State, client: str, claim: Claim, *, proof: bytes, at: Height, now: int) -> None:
    light_client = _usable(state, client, record(state, client), now)
    try:
        light_client.check([claim], at=at, proof=proof)
    except VerificationError as refusal:
        raise _refused(refusal) from refusal


def timestamp_at(state: State, client: str, at: Height) -> int:
    try:
        return _decoded(record(state, client).family, encoded_client(state, client)).timestamp_at(at)
    except VerificationError as refusal:
        raise _refused(refusal) from refusal


def check_can_send(state: State, client: str, *, now: int) -> None:
    """Nothing leaves through a client that could never let it end."""
    _usable(state, client, record(state, client), now)


def _usable(state: State, client: str, known: ClientRecord, now: int) -> LightClient:
    if known.frozen:
        raise Refused(Rule.CLIENT_FROZEN, client)
    light_client = _decoded(known.family, encoded_client(state, client))
    _check_active(light_client, now)
    return light_client


def _check_active(light_client: LightClient, now: int) -> None:
    status = light_client.status(now)
    if status.state is ClientState.FROZEN:
        raise Refused(Rule.CLIENT_FROZEN, "it saw misbehaviour")
    if status.state is ClientState.EXPIRED:
        raise Refused(Rule.CLIENT_EXPIRED, f"since {status.expires_at}")


def _decoded(family: str, encoded: bytes) -> LightClient:
    try:
        return decode(family, encoded)
    except VerificationError as refusal:
        raise _refused(refusal) from refusal


def _refused(refusal: VerificationError) -> Refused:
    match refusal:
        case UnknownHeight():
            rule = Rule.UNKNOWN_HEIGHT
        case ClientFrozen():
            rule = Rule.CLIENT_FROZEN
        case TrustExpired():
            rule = Rule.CLIENT_EXPIRED
        case InsufficientVotingPower() | UnknownSigner() | DuplicateSigner() | InvalidSignature():
            rule = Rule.QUORUM
        case _:
            rule = Rule.INVALID_PROOF
    return Refused(rule, str(refusal))


def _store(state: State, client: str, known: ClientRecord) -> None:
    state.set(IBC, _record_key(client), msgspec.msgpack.encode(known))


def send_counter_path_of(client: str) -> bytes:
    return send_counter_path(ClientId(client))


def _state_key(client: str) -> bytes:
    return f"clients/{client}/clientState".encode()


def _record_key(client: str) -> bytes:
    return f"clients/{client}/record".encode()
