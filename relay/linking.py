"""Join two ledgers: a client of each on the other. Where a host can verify the other ledger by itself, it does;
otherwise its client is a quorum of the configured attestors.
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.contract.errors import RefusedForNow
from adapters.contract.ledger import AttestationSpec, ClientSpec, Ledger, LightClientSpec, Setup, Signer
from adapters.contract.messages import Rule
from proofs.commitment import ClientId
from proofs.light_client import LightClient
from relay.config import GroupConfig


@dataclass(eq=False)
class CannotLink(Exception):
    """`source` cannot be followed on `destination`."""

    source: str
    destination: str
    why: str

    def __str__(self) -> str:
        return f"{self.destination} cannot follow {self.source}: {self.why}"


@dataclass(frozen=True, slots=True)
class End:
    """One ledger to be linked. group: who attests the *other* ledger to this one, where that is needed."""

    name: str
    ledger: Ledger
    signer: Signer
    group: GroupConfig | None

    @property
    def setup(self) -> Setup:
        assert self.ledger.setup is not None, "a ledger that is linked can be set up"
        return self.ledger.setup


@dataclass(frozen=True, slots=True)
class _Client:
    """What is created on one end: a client of the other."""

    spec: ClientSpec
    prefix: tuple[bytes, ...]


async def create_link(a: End, b: End) -> tuple[ClientId, ClientId]:
    """Create both clients. Returns the id on `a` and the id on `b`.

    Each client names its counterparty when it is created, so both ids are asked before. Raises CannotLink, HostRefusal.
    """
    on_a, on_b = await _client_of(b, on=a), await _client_of(a, on=b)
    id_a, id_b = await a.setup.next_client_id(on_a.spec), await b.setup.next_client_id(on_b.spec)
    await _create(a, on_a, expected=id_a, counterparty=id_b)
    await _create(b, on_b, expected=id_b, counterparty=id_a)
    return id_a, id_b


async def _create(end: End, client: _Client, *, expected: ClientId, counterparty: ClientId) -> None:
    made = await end.setup.create_client(
        client.spec, counterparty=counterparty, prefix=client.prefix, signer=end.signer
    )
    if made != expected:
        raise RefusedForNow(
            Rule.WRONG_COUNTERPARTY,
            f"{end.name} made {made} where {expected} was to be: somebody else created a client; link again",
        )


async def _client_of(other: End, *, on: End) -> _Client:
    """The client of `other` that `on` can run: one that verifies by itself before one that is a quorum."""
    client = await _advanced(other.ledger)
    if client.portable and on.setup.supports(LightClientSpec, client.family):
        return _Client(LightClientSpec(client.family, client.encode()), other.setup.merkle_prefix)
    if on.group is None:
        why = f"it runs no {client.family} client, and no [[attestors]] attest {other.name} to {on.name}"
        raise CannotLink(other.name, on.name, why)
    if not on.setup.supports(AttestationSpec, "attestation"):
        raise CannotLink(other.name, on.name, "it runs no attestation client")
    height = client.latest()
    addresses = tuple(member.address for member in on.group.members)
    spec = AttestationSpec(addresses, on.group.threshold, height, client.timestamp_at(height))
    # What attestors sign is the raw path: one empty element of prefix, on every host.
    return _Client(spec, (b"",))


async def _advanced(ledger: Ledger) -> LightClient:
    """The ledger's light client at its newest final height: a client that starts old expires early."""
    client = await ledger.bootstrap()
    head = await ledger.source.head()
    if client.latest() < head.final:
        served = await ledger.source.evidence(client.latest(), head.final)
        for step in served.answer:
            client = client.update(step, now=head.final_time)
    return client
