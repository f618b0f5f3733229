"""Belief about one Fabric channel: its configuration, and the headers of recent blocks.

Evidence is a whole block as ordering nodes and peers deliver it: signatures say that it is final, transactions say of
which channel. A block signed under the trusted configuration stands alone, so blocks may be left out; of one that a
known header names, the bare header is enough. A block is final. Fabric keeps no time.

Trust root: the header hash of a configuration block that an operator configured, and by it the orderers and their block
policy, the organisations and the authorities of all members; whose peers endorse and vouch for a host is configured.

Not checked: which transactions counted, beyond what peers of the configured organisations say, as orderers sign no
validation code; and whether certificates have expired, as Fabric keeps no time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import ClassVar, Final

from proofs.errors import UnknownHeight, ValueMismatch
from proofs.fabric import predicates as rules
from proofs.fabric import spec
from proofs.fabric.belief import KNOWN_BLOCKS_MAX, Belief, decode_belief, encode_belief
from proofs.fabric.block_messages import Block, decode_block
from proofs.fabric.channel_config import ChannelConfig
from proofs.fabric.hashing import header_hash
from proofs.fabric.host import HostLayout, check_layout
from proofs.fabric.membership import Ground, verify_claims
from proofs.fabric.types import KnownBlock, Parameters, check_parameters
from proofs.light_client import Claim, ClientState, ClientStatus, Height

# The ledger has no time of its own: transactions bear what their clients wrote. The beginning of time is before every
# timeout, so nothing ever times out by the height of a block; it takes a tombstone (host.py).
NO_TIME: Final = 0


@dataclass(frozen=True, slots=True)
class FabricClient:
    """config_number: of the block that brought `config`. known: ascending, at most KNOWN_BLOCKS_MAX."""

    family: ClassVar[str] = "fabric"
    portable: ClassVar[bool] = True

    parameters: Parameters
    host: HostLayout
    config: ChannelConfig
    config_number: int
    known: tuple[KnownBlock, ...]
    frozen_at: int | None = None

    def latest(self) -> Height:
        return Height(0, self.known[-1].number)

    def status(self, now: int) -> ClientStatus:  # noqa: ARG002 - trust in a channel does not age
        return ClientStatus(ClientState.ACTIVE if self.frozen_at is None else ClientState.FROZEN)

    def known_block(self, at: Height) -> KnownBlock:
        """Raises UnknownHeight, and WrongLedger for a revision."""
        rules.check_revision(at)
        found = self._find(at.number)
        if found is None:
            raise UnknownHeight(at.revision, at.number)
        return found

    def timestamp_at(self, at: Height) -> int:
        """Always NO_TIME, for a height that is known."""
        self.known_block(at)
        return NO_TIME

    def update(self, evidence: bytes, *, now: int) -> FabricClient:  # noqa: ARG002 - blocks bear no time to compare
        """Believe one block. A valid one that contradicts what is believed returns a frozen client."""
        rules.check_not_frozen(self.frozen_at)
        block = decode_block(evidence)
        number = block.header.number
        known, after = self._find(number), self._find(number + 1)
        if known is not None and known.header == block.header:
            return self
        if known is None and after is not None:
            linked = self._linked_back(block, after)
            # What orderers signed above it names it, and does not follow what they signed below it.
            return linked if self._is_linked(block, self._find(number - 1)) else self.frozen(number)
        config = self._verified(block)
        before = self._find(number - 1)
        # A later block says that no configuration came before it: one that does now contradicts it.
        comes_late = config is not None and self.known[-1].number > number
        if known is not None or comes_late or not self._is_linked(block, before):
            return self.frozen(number)
        taken = self._with(KnownBlock(block.header, header_hash(block.header)))
        return taken if config is None else replace(taken, config=config, config_number=number)

    def check(self, claims: Sequence[Claim], *, at: Height, proof: bytes) -> None:
        rules.check_not_frozen(self.frozen_at)
        header = self.known_block(at).header
        verify_claims(claims, proof, Ground(header, self.config, self.parameters, self.host))

    def misbehaviour(self, a: bytes, b: bytes, *, now: int) -> None:  # noqa: ARG002 - as for update
        """Two blocks of one number, both signed as the trusted configuration demands."""
        rules.check_not_frozen(self.frozen_at)
        accused = (decode_block(a), decode_block(b))
        rules.check_headers_conflict(*(block.header for block in accused))
        for block in accused:
            self._verified(block)

    def frozen(self, number: int) -> FabricClient:
        """The client after proved misbehaviour at `number`."""
        return replace(self, frozen_at=number)

    def encode(self) -> bytes:
        return encode_belief(
            Belief(self.parameters, self.host, self.config, self.config_number, self.known, self.frozen_at)
        )

    def _find(self, number: int) -> KnownBlock | None:
        index = bisect_left(self.known, number, key=attrgetter("number"))
        found = self.known[index] if index < len(self.known) else None
        return found if found is not None and found.number == number else None

    def _verified(self, block: Block) -> ChannelConfig | None:
        rules.check_data_is_shown(block.envelopes)
        return spec.verify_block(
            block, config=self.config, config_number=self.config_number, parameters=self.parameters
        )

    def _is_linked(self, block: Block, before: KnownBlock | None) -> bool:
        if before is None:
            return True
        try:
            rules.check_links(block.header, before)
        except ValueMismatch:
            return False
        return True

    def _linked_back(self, block: Block, after: KnownBlock) -> FabricClient:
        rules.check_header_shape(block.header)
        rules.check_is_linked_from(block.header, after)
        return self._with(KnownBlock(block.header, after.header.previous_hash))

    def _with(self, new: KnownBlock) -> FabricClient:
        index = bisect_left(self.known, new.number, key=attrgetter("number"))
        rules.check_room(new.number, len(self.known), oldest=self.known[0].number, limit=KNOWN_BLOCKS_MAX)
        known = (*self.known[:index], new, *self.known[index:])
        return replace(self, known=known[-KNOWN_BLOCKS_MAX:])


def bootstrap(config_block: bytes, *, header_hash: bytes, parameters: Parameters, host: HostLayout) -> FabricClient:
    """Start from a configuration block whose header hash an operator configured (the genesis block, or a later one)."""
    check_parameters(parameters)
    check_layout(host)
    known, config = spec.verify_checkpoint(decode_block(config_block), trusted_hash=header_hash, parameters=parameters)
    client = FabricClient(parameters, host, config, known.number, (known,))
    # Policies that the host names must be there: found out now, not with the first proof.
    host.endorsement.compiled(config)
    host.vouching.compiled(config)
    return client


def decode_client(encoded: bytes) -> FabricClient:
    """Raises MalformedProof and the refusals of an impossible client."""
    belief = decode_belief(encoded)
    return FabricClient(
        belief.parameters, belief.host, belief.config, belief.config_number, belief.known, belief.frozen_at
    )
