"""Chains of FISCO BCOS with sealers of our own: both generations, both suites, and blocks with receipts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from coincurve import PrivateKey

from proofs.commitment import ClientId, commitment_path, receipt_path, send_counter_path
from proofs.encoding import abi
from proofs.encoding.proof_batch import join_batch
from proofs.fisco_bcos import membership, trees
from proofs.fisco_bcos.client import FiscoBcosClient, bootstrap
from proofs.fisco_bcos.headers import Header, HeaderV2, HeaderV3
from proofs.fisco_bcos.host import RECEIPT_ABSENT, WRITTEN, HostLayout
from proofs.fisco_bcos.membership import ProofV2, ProofV3
from proofs.fisco_bcos.receipts import Log, ReceiptV2, ReceiptV3
from proofs.fisco_bcos.spec import Step, encode_step
from proofs.fisco_bcos.suite import hash_of
from proofs.fisco_bcos.transactions import TransactionV3
from proofs.fisco_bcos.trees import LevelV2
from proofs.fisco_bcos.types import Generation, Parameters, SealerSignature, Suite
from proofs.light_client import Claim, Height, Position
from tests.proofs.primitives.sm2_reference import Sm2Key

STANDARD, SM = Suite.KECCAK_SECP256K1, Suite.SM3_SM2
V2, V3 = Generation.V2, Generation.V3
START_MS = 1_700_000_000_500
NOW = 1_700_000_100
HOST = bytes(range(1, 21))
LAYOUT = HostLayout(HOST, STANDARD)
CLIENT = ClientId("attestations-0")
PATH = commitment_path(CLIENT, 7)
VALUE = b"\x11" * 32


@dataclass(frozen=True)
class Sealer:
    public: bytes
    sign: Callable[[bytes], bytes]


@lru_cache
def sealer(suite: Suite, secret: int) -> Sealer:
    if suite is STANDARD:
        key = PrivateKey(secret.to_bytes(32, "big"))
        return Sealer(
            key.public_key.format(compressed=False)[1:], lambda digest: key.sign_recoverable(digest, hasher=None)
        )
    sm = Sm2Key(secret)
    public = sm.public
    return Sealer(public, lambda digest: sm.sign(digest) + public)


def sealers(suite: Suite = STANDARD, count: int = 4, first: int = 1) -> tuple[Sealer, ...]:
    return tuple(sealer(suite, first + each) for each in range(count))


def parameters(generation: Generation = V2, suite: Suite = STANDARD) -> Parameters:
    return Parameters(generation, suite, "chain0", "group0", trusting_period=86_400, clock_drift=10)


def header(
    generation: Generation,
    number: int,
    parent_hash: bytes,
    keys: Sequence[Sealer],
    *,
    weights: Sequence[int] = (),
    time_ms: int | None = None,
    transactions_root: bytes = bytes(32),
    receipts_root: bytes = bytes(32),
) -> Header:
    at = START_MS + 1_000 * number if time_ms is None else time_ms
    listed = tuple(each.public for each in keys)
    if generation is V2:
        return HeaderV2(
            parent_hash, b"\x01" * 32, transactions_root, receipts_root, b"\x01" * 32, bytes(256),
            number, 0, 0, at, (), 0, listed,
        )  # fmt: skip
    return HeaderV3(
        0x03020000, ((number - 1, parent_hash),), transactions_root, receipts_root, b"\x01" * 32,
        number, "21000", at, 0, listed, b"", tuple(weights) or (1,) * len(listed),
    )  # fmt: skip


def signed(
    headers: Sequence[Header], keys: Sequence[Sealer], by: Sequence[int] = (0, 1, 2), *, suite: Suite = STANDARD
) -> Step:
    """keys: as the last header lists them; by: who of them signs it."""
    digest = headers[-1].hash(suite)
    return Step(tuple(headers), tuple(SealerSignature(each, keys[each].sign(digest)) for each in by))


def evidence(headers: Sequence[Header], keys: Sequence[Sealer], by: Sequence[int] = (0, 1, 2), **suite: Suite) -> bytes:
    return encode_step(signed(headers, keys, by, **suite))


@dataclass
class Chain:
    """Headers of one chain, each built on the one before, from block 1."""

    generation: Generation = V2
    suite: Suite = STANDARD
    keys: tuple[Sealer, ...] = ()
    weights: tuple[int, ...] = ()
    headers: list[Header] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys = self.first_keys = self.keys or sealers(self.suite)
        self.grow()

    def grow(self, count: int = 1, **fields: bytes) -> None:
        for _ in range(count):
            number = len(self.headers) + 1
            parent = self.headers[-1].hash(self.suite) if self.headers else b"\x0a" * 32
            self.headers.append(header(self.generation, number, parent, self.keys, weights=self.weights, **fields))  # type: ignore[arg-type]  # only roots are given

    def step(self, first: int, last: int, by: Sequence[int] = (0, 1, 2)) -> bytes:
        return evidence(self.headers[first - 1 : last], self.keys, by, suite=self.suite)

    def client(self, layout: HostLayout = LAYOUT) -> FiscoBcosClient:
        """A client that believes block 1."""
        return bootstrap(
            evidence(self.headers[:1], self.first_keys, suite=self.suite),
            checkpoint_hash=self.headers[0].hash(self.suite),
            parameters=parameters(self.generation, self.suite),
            layout=layout,
        )

    def follower(self) -> FiscoBcosClient:
        """A client that believes every block."""
        return self.client().update(self.step(2, len(self.headers)), now=NOW)


def written(path: bytes = PATH, value: bytes = VALUE, address: bytes = HOST) -> Log:
    return Log(address, (abi.event_topic(WRITTEN),), abi.encode("(bytes,bytes)", (path, value)))


def absent(path: bytes, seconds: int) -> Log:
    return Log(HOST, (abi.event_topic(RECEIPT_ABSENT),), abi.encode("(bytes,uint64)", (path, seconds)))


NOISE = Log(b"\x99" * 20, (b"\x55" * 32,), b"noise")


def receipt_v2(*logs: Log, status: int = 0) -> ReceiptV2:
    return ReceiptV2(b"\x01" * 32, 21_000, bytes(20), bytes(256), status, b"", logs)


def receipt_v3(*logs: Log, status: int = 0, number: int = 2) -> ReceiptV3:
    return ReceiptV3(0, "21000", "", status, b"", logs, number)


def call(nonce: str = "12345", to: str = "0x" + HOST.hex()) -> TransactionV3:
    return TransactionV3(0, "chain0", "group0", 500, nonce, to, b"\xf0\x0d\xba\xbe" + bytes(32))


def path_v2(suite: Suite, hashes: Sequence[bytes], index: int) -> tuple[LevelV2, ...]:
    nodes = [trees.leaf_v2(number, each) for number, each in enumerate(hashes)]
    levels = []
    while len(nodes) > 1:
        group = nodes[index // 16 * 16 : index // 16 * 16 + 16]
        levels.append(LevelV2(tuple(group[: index % 16]), tuple(group[index % 16 + 1 :])))
        nodes = [hash_of(suite, b"".join(nodes[at : at + 16])) for at in range(0, len(nodes), 16)]
        index //= 16
    return (*levels, LevelV2((), ()))


def path_v3(suite: Suite, hashes: Sequence[bytes], index: int) -> tuple[tuple[bytes, ...], ...]:
    nodes, groups = list(hashes), []
    while len(nodes) > 1:
        groups.append(tuple(nodes[index // 2 * 2 : index // 2 * 2 + 2]))
        nodes = [hash_of(suite, b"".join(nodes[at : at + 2])) for at in range(0, len(nodes), 2)]
        index //= 2
    return tuple(groups)


@dataclass(frozen=True)
class World:
    """A chain whose block 2 has one transaction of the host among others, and a client that believes it."""

    chain: Chain
    client: FiscoBcosClient
    proof: ProofV2 | ProofV3

    @property
    def at(self) -> Height:
        return Height(0, 2)

    def encoded(self, proof: ProofV2 | ProofV3 | None = None) -> bytes:
        chosen = proof or self.proof
        return membership.encode_v2(chosen) if isinstance(chosen, ProofV2) else membership.encode_v3(chosen)

    def check(self, claim: Claim, proof: ProofV2 | ProofV3 | None = None) -> None:
        self.client.check([claim], at=self.at, proof=join_batch([self.encoded(proof)]))


INDEX, COUNT = 17, 20
BLOCK_SECONDS = (START_MS + 2_000) // 1_000
SENT = Claim(PATH, VALUE)
COUNTER = Claim(send_counter_path(CLIENT), (7).to_bytes(8, "big"))
RECEIPT_PATH = receipt_path(CLIENT, 9)
MISSING = Claim(RECEIPT_PATH, None)


def world(
    generation: Generation = V2,
    suite: Suite = STANDARD,
    *,
    receipt: ReceiptV2 | ReceiptV3 | None = None,
    transaction: TransactionV3 | None = None,
    log: int | None = None,
    index: int = INDEX,
    count: int = COUNT,
) -> World:
    if generation is V2:
        return _world_v2(
            suite, receipt or receipt_v2(NOISE, written(), NOISE), log if log is not None else 1, index, count
        )
    return _world_v3(suite, receipt or receipt_v3(NOISE, written()), transaction or call(), log, index, count)


def _world_v2(suite: Suite, receipt: ReceiptV2 | ReceiptV3, log: int, index: int, count: int) -> World:
    assert isinstance(receipt, ReceiptV2)
    hashes = [receipt_v2(NOISE, status=number).hash(suite) for number in range(count)]
    hashes[index] = receipt.hash(suite)
    chain = Chain(V2, suite)
    chain.grow(receipts_root=trees.compute_root_v2(suite, hashes), transactions_root=b"\x07" * 32)
    return World(chain, chain.follower(), ProofV2(index, receipt, path_v2(suite, hashes, index), log))


def _world_v3(
    suite: Suite, receipt: ReceiptV2 | ReceiptV3, transaction: TransactionV3, log: int | None, index: int, count: int
) -> World:
    assert isinstance(receipt, ReceiptV3)
    receipts = [receipt_v3(NOISE, status=number).hash(suite) for number in range(count)]
    transactions = [call(nonce=str(number), to="0x" + "99" * 20).hash(suite) for number in range(count)]
    receipts[index], transactions[index] = receipt.hash(suite), transaction.hash(suite)
    chain = Chain(V3, suite)
    chain.grow(
        receipts_root=trees.compute_root_v3(suite, receipts),
        transactions_root=trees.compute_root_v3(suite, transactions),
    )
    place = len(receipt.logs) - 1 if log is None else log
    proof = ProofV3(
        transaction, path_v3(suite, transactions, index), receipt, path_v3(suite, receipts, index), max(place, 0)
    )
    return World(chain, chain.follower(), proof)


def at_position(claim: Claim, transaction: int = INDEX, event: int = 1, number: int = 2) -> Claim:
    return replace(claim, written=Position(Height(0, number), transaction, event))
