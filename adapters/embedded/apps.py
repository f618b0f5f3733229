"""Applications on the host, found by port: the mailbox, and one that refuses on demand.

What an application writes is rolled back when it refuses. `AppFailed` with data ends in an error acknowledgement;
without data, or with an empty acknowledgement, the whole receive is refused, as on EVM.
"""

# ruff: noqa: ARG002 - an application is handed more than it looks at

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from adapters.embedded.state import MAILBOX, State
from proofs.commitment import UNIVERSAL_ERROR_ACKNOWLEDGEMENT, Packet, Payload
from proofs.primitives.hashing import sha256

MAILBOX_PORT: Final = "mailbox"
MAILBOX_VERSION: Final = "mailbox-1"
MAILBOX_ENCODING: Final = "application/octet-stream"
MAILBOX_BYTES_MAX: Final = 65_536
_RECEIVED: Final = b"\x01"


@dataclass(eq=False)
class AppFailed(Exception):
    """data: what the failure carried; empty like an EVM revert without data."""

    data: bytes

    def __str__(self) -> str:
        return f"data={self.data!r}"


class App(Protocol):
    def on_send(self, state: State, payload: Payload, sender: str) -> None:
        """Raises AppFailed when this account may not send this."""
        ...

    def on_receive(self, state: State, packet: Packet, payload: Payload) -> bytes: ...

    def on_acknowledge(self, state: State, packet: Packet, acknowledgements: Sequence[bytes]) -> None: ...

    def on_timeout(self, state: State, packet: Packet) -> None: ...


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Anybody sends bytes to an application elsewhere. A delivery is remembered by its packet and the value's hash."""

    bytes_max: int = MAILBOX_BYTES_MAX

    def on_send(self, state: State, payload: Payload, sender: str) -> None:
        self._check(payload)

    def on_receive(self, state: State, packet: Packet, payload: Payload) -> bytes:
        self._check(payload)
        self._note(state, b"delivered", packet.dest_client, packet, sha256(payload.value))
        return _RECEIVED

    def on_acknowledge(self, state: State, packet: Packet, acknowledgements: Sequence[bytes]) -> None:
        self._note(state, b"acknowledged", packet.source_client, packet, sha256(b"".join(acknowledgements)))

    def on_timeout(self, state: State, packet: Packet) -> None:
        self._note(state, b"timed-out", packet.source_client, packet, b"\x01")

    def _check(self, payload: Payload) -> None:
        if payload.version != MAILBOX_VERSION or payload.encoding != MAILBOX_ENCODING:
            raise AppFailed(b"version or encoding")
        if len(payload.value) > self.bytes_max:
            raise AppFailed(b"value too long")

    def _note(self, state: State, what: bytes, client: str, packet: Packet, value: bytes) -> None:
        state.set(MAILBOX, b"/".join((what, client.encode(), packet.sequence.to_bytes(8, "big"))), value)


@dataclass(slots=True)
class Stubborn:
    """An application that refuses what it is told to refuse, until it is told otherwise. For simulations and tests.

    receive: "accept", "fail" (with data), "revert" (without data), "silent" (an empty acknowledgement) or
             "pose" (the error acknowledgement as if it were its own).
    """

    receive: str = "accept"
    acknowledge_fails: bool = False
    timeout_fails: bool = False

    def on_send(self, state: State, payload: Payload, sender: str) -> None:
        return

    def on_receive(self, state: State, packet: Packet, payload: Payload) -> bytes:
        if self.receive == "fail":
            state.set(MAILBOX, b"left-behind", b"\x01")  # must be rolled back
            raise AppFailed(b"told to fail")
        if self.receive == "revert":
            raise AppFailed(b"")
        return {"silent": b"", "pose": UNIVERSAL_ERROR_ACKNOWLEDGEMENT}.get(self.receive, _RECEIVED)

    def on_acknowledge(self, state: State, packet: Packet, acknowledgements: Sequence[bytes]) -> None:
        if self.acknowledge_fails:
            raise AppFailed(b"told to fail")

    def on_timeout(self, state: State, packet: Packet) -> None:
        if self.timeout_fails:
            raise AppFailed(b"told to fail")
