"""What a ledger plugin promises. Batches in, batches out; no clock and no key inside: both are arguments.

A plugin gives the roles a ledger can play: Source (events, evidence, proofs), Destination (messages), Sender
(application messages of our users), Setup (hosts and clients, with a key of its own) and Devnet (a real local node).
Every answer of an endpoint says who served it, so that blame needs no side channel.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, NewType, Protocol, TypeAlias, TypeVar

from adapters.contract.errors import HostRefusal
from adapters.contract.messages import HostEvent, HostMessage, PacketMessage
from proofs.commitment import ClientId
from proofs.errors import InvalidProof
from proofs.light_client import Claim, Height, LightClient

Endpoint = NewType("Endpoint", str)  # a name for configuration, logs and blame; never carries credentials
Account = NewType("Account", str)  # an account as its ledger writes it
TxId = NewType("TxId", str)
Port = NewType("Port", str)  # an IBC v2 port

Clock: TypeAlias = Callable[[], float]  # unix seconds

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class LedgerIdentity:
    """What makes a ledger this ledger. Stored at first sight; a change halts it (IdentityChanged).

    root: hash of the genesis block or of the configured checkpoint, hex.
    code: hash of the host's code and layout, hex; behind a proxy also of the implementation.
    """

    chain_id: str
    root: str
    host: str
    code: str


@dataclass(frozen=True, slots=True)
class Served(Generic[T_co]):
    """An untrusted answer and who gave it."""

    answer: T_co
    by: Endpoint


@dataclass(frozen=True, slots=True)
class Head:
    """latest may still be reorganised; final may not. final_time: unix seconds by the ledger's own clock."""

    latest: Height
    final: Height
    final_hash: bytes
    final_time: int
    served_by: Endpoint


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything at or below `height` has been read; `hash` is the block the next one must link to."""

    height: Height
    hash: bytes


@dataclass(frozen=True, slots=True)
class Scan:
    """Events in ledger order, all above the old cursor and at or below the new one."""

    events: tuple[HostEvent, ...]
    cursor: Cursor
    served_by: Endpoint


@dataclass(frozen=True, slots=True)
class Proven:
    """What an endpoint says about the wanted paths at one height, and its proof.

    claims: one per wanted claim, in order, with the value the endpoint gives: the wanted one, another, or None.
    proof:  unverified, for exactly these claims in this order, in the family's own encoding.
    """

    at: Height
    claims: tuple[Claim, ...]
    proof: bytes
    served_by: Endpoint


@dataclass(frozen=True, slots=True)
class SourceTraits:
    """proof_lag: a write in block h is provable from height h + proof_lag on.

    absence: how absence is shown: by "proof", "recorded" on the ledger, or not at all ("none": one-way).
    """

    proof_lag: int
    absence: Literal["proof", "recorded", "none"] = "proof"


class Source(Protocol):
    @property
    def traits(self) -> SourceTraits: ...

    async def identity(self) -> LedgerIdentity:
        """Read it from the ledger, now."""
        ...

    async def head(self) -> Head: ...

    async def start(self, at: Height | None) -> Cursor:
        """The cursor to begin reading at: at a height, or where the host was created."""
        ...

    async def scan(self, after: Cursor, *, through: Height, event_limit: int) -> Scan:
        """Read on from a cursor, hash-linked to it. Stops early, at a block's end, when the limit is reached.

        Raises FinalityViolated when the cursor's block is no longer there.
        """
        ...

    async def evidence(self, trusted: Height, target: Height) -> Served[Sequence[bytes]]:
        """Ordered steps that lead a light client from `trusted` to `target`."""
        ...

    async def prove(self, claims: Sequence[Claim], at: Height) -> Sequence[Proven]:
        """Answers for all claims: one group at `at`, or a group per height where only there proofs exist."""
        ...

    def blame(self, endpoint: Endpoint, reason: InvalidProof) -> None:
        """It served something false: ask it last, or not at all, for a while."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Per transaction: messages, bytes and the ledger's own units of work. in_flight: per account."""

    messages: int
    bytes: int
    gas: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class ClientOnHost:
    """A light client as its host describes it, at the host's final height.

    variant:   which form of a family it speaks (attestation: "tagged" or "plain"), "" where there is one.
    signers:   attestor addresses, 20 bytes each; empty where the client verifies consensus itself.
    threshold: how many of them must sign.
    """

    id: ClientId
    family: str
    variant: str
    state: Literal["active", "expired", "frozen", "absent"]
    latest: Height
    expires_at: int | None
    counterparty: ClientId
    prefix: tuple[bytes, ...]
    signers: tuple[bytes, ...] = ()
    threshold: int = 0


@dataclass(frozen=True, slots=True)
class Cost:
    """A message would be accepted. gas: in the ledger's units, margin included. fee: the most it can cost.

    redundant: it would change nothing (a repeat); paying for it is waste.
    """

    gas: int
    fee: int
    redundant: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """A signed transaction. raw is broadcast as it is, also again after a crash. fee: the most it can cost."""

    tx_id: TxId
    raw: bytes
    slot: int | None
    fee: int


@dataclass(frozen=True, slots=True)
class Pending:
    """Known to the ledger's nodes, or at least not known to be dead."""


@dataclass(frozen=True, slots=True)
class Included:
    """redundant: how many of its messages changed nothing."""

    at: Height
    final: bool
    fee: int
    redundant: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    at: Height
    final: bool
    fee: int
    rule: str
    detail: str


@dataclass(frozen=True, slots=True)
class Vanished:
    """It can no longer be included: its slot is final for another transaction, or it expired."""

    reason: str


Fate: TypeAlias = Pending | Included | Failed | Vanished


@dataclass(frozen=True, slots=True)
class AccountState:
    """next_final: first slot no final transaction uses; next_pending: first slot no known transaction uses.

    Both None where a ledger has no slots.
    """

    balance: int
    next_final: int | None
    next_pending: int | None


class Signer(Protocol):
    """A key that never leaves its holder.

    scheme "secp256k1": `sign` takes a 32-byte digest, returns r‖s‖v with low s and v 0 or 1; public_key is 33 bytes.
    scheme "ed25519":   `sign` takes any message, returns 64 bytes; public_key is 32 bytes.
    """

    @property
    def scheme(self) -> str: ...

    @property
    def public_key(self) -> bytes: ...

    def sign(self, message: bytes) -> bytes: ...


class Destination(Protocol):
    @property
    def limits(self) -> Limits: ...

    @property
    def host_kind(self) -> str:
        """Which dialects its clients speak: "evm", "cosmos", or "native" for hosts that run `proofs` themselves."""
        ...

    def account_of(self, public_key: bytes) -> Account: ...

    async def identity(self) -> LedgerIdentity: ...

    async def head(self) -> Head: ...

    async def clients(self, ids: Sequence[ClientId]) -> Sequence[ClientOnHost]: ...

    async def settled(self, wanted: Sequence[PacketMessage]) -> Sequence[bool]:
        """Whether the host has what each message would do, at its newest state. Unbelieved: it only saves fees."""
        ...

    async def screen(self, messages: Sequence[HostMessage], account: Account) -> Sequence[Cost | HostRefusal]:
        """Simulate the messages in order as one transaction; one answer each. A refused one is left out of the rest."""
        ...

    async def prepare(
        self,
        messages: Sequence[HostMessage],
        *,
        costs: Sequence[Cost],
        signer: Signer,
        slot: int | None,
        fee_cap: int,
    ) -> Prepared:
        """Build and sign one transaction, send nothing. Raises OutOfFunds, RefusedForNow when fee_cap is too low."""
        ...

    async def replace(self, raw: bytes, *, signer: Signer, fee_cap: int) -> Prepared:
        """The same messages in the same slot with a higher fee, for a transaction that waits too long."""
        ...

    async def broadcast(self, raw: bytes) -> None:
        """Same bytes twice = once. "Already known" and "slot used" are not errors here: `fates` tells."""
        ...

    async def fates(self, attempts: Sequence[tuple[TxId, bytes]]) -> Sequence[Fate]:
        """By id and raw bytes (which name account and slot), in order."""
        ...

    async def account(self, account: Account) -> AccountState: ...


class Sender(Protocol):
    """Where the service sends for its users, through the mailbox application."""

    @property
    def port(self) -> Port: ...

    async def prepare_send(
        self,
        client: ClientId,
        *,
        dest_port: Port,
        value: bytes,
        expires_at: int,
        signer: Signer,
        slot: int | None,
        fee_cap: int,
    ) -> Prepared:
        """expires_at: the packet's timeout, unix seconds.

        Its fate is asked like any other; its sequence is known from the final Sent event of its transaction.
        """
        ...


@dataclass(frozen=True, slots=True)
class AttestationSpec:
    """An attestation client: m of these addresses (20 bytes each), first height and time."""

    attestors: tuple[bytes, ...]
    threshold: int
    height: Height
    timestamp: int


@dataclass(frozen=True, slots=True)
class LightClientSpec:
    """A client that verifies by itself, from an encoded light client of `family`."""

    family: str
    client: bytes


ClientSpec: TypeAlias = AttestationSpec | LightClientSpec


class Setup(Protocol):
    """Used by the command line only, with a key of its own."""

    async def deploy_host(self, signer: Signer) -> Mapping[str, object]:
        """Deploy host and mailbox. Returns the settings that name them, to be merged into the ledger's table."""
        ...

    async def next_client_id(self, spec: ClientSpec) -> ClientId:
        """The id the next client of this kind will get: some hosts need the counterparty's at creation."""
        ...

    async def create_client(
        self, spec: ClientSpec, *, counterparty: ClientId, prefix: Sequence[bytes], signer: Signer
    ) -> ClientId: ...

    def supports(self, spec: type[ClientSpec], family: str) -> bool: ...

    @property
    def merkle_prefix(self) -> tuple[bytes, ...]:
        """The prefix under which counterparties that verify this ledger by its own evidence find its paths."""
        ...


@dataclass(frozen=True, slots=True)
class Ledger:
    """One open ledger: the roles its plugin gives it, and the trust it was configured with.

    trust:       "light-client" or "endpoint-quorum", as shown to people and exported as a metric label.
    trust_shown: one line for people, e.g. "1 of 1 endpoints (development)".
    """

    source: Source
    destination: Destination | None
    sender: Sender | None
    setup: Setup | None
    trust: Literal["light-client", "endpoint-quorum"]
    trust_shown: str
    bootstrap: Callable[[], Awaitable[LightClient]]  # at the configured checkpoint, checked against it
    decode_client: Callable[[bytes], LightClient]
    endpoints: tuple[Endpoint, ...] = ()
