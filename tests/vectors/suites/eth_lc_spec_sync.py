"""Official consensus-specs `light_client/sync` vectors: after every step the store must hold the named headers.

A folder is one store; its steps depend on each other, so each is judged on the store that the steps before it left.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from pathlib import PurePosixPath
from typing import Any

import snappy
import yaml

from proofs.ethereum import spec
from proofs.ethereum.containers import Containers, beacon_root, containers_of
from proofs.ethereum.forks import MINIMAL_PRESET, Chain, Fork, ForkSchedule, compute_fork_digest
from proofs.ethereum.predicates import compute_execution_root
from proofs.ethereum.types import Bootstrap, LightClientHeader, Update
from tests.vectors.beacon_files import shared_file
from tests.vectors.case import Case, value
from tests.vectors.files import DataFile, Files

Heads = dict[str, tuple[int, str, str]]


def cases(files: Files) -> Iterator[Case]:
    for file in files.matching("*/steps.yaml"):
        yield from _folder_cases(file, files)


class Steps:
    """The store after each step, worked out when it is first asked for."""

    def __init__(self, chain: Chain, bootstrap: bytes, kind: Containers, trusted_root: bytes) -> None:
        self.chain = chain
        self.steps: list[tuple[str, int, bytes, Containers]] = []
        self._start = partial(self._initialize, bootstrap, kind, trusted_root)
        self.store_after = cache(self._store_after)

    def _initialize(self, bootstrap: bytes, kind: Containers, trusted_root: bytes) -> spec.Store:
        decoded: Bootstrap = kind.bootstrap.decode(bootstrap)
        return spec.initialize(decoded, self.chain, trusted_block_root=trusted_root)

    def _store_after(self, count: int) -> spec.Store:
        if count == 0:
            return self._start()
        store = self.store_after(count - 1)
        step, slot, update, kind = self.steps[count - 1]
        if step == "process_update":
            decoded: Update = kind.update.decode(update)
            return spec.process_update(store, decoded, self.chain, current_slot=slot)
        if step == "force_update":
            return spec.force_update(store, self.chain, current_slot=slot)
        assert step == "upgrade_store", step
        # Objects of all forks have one shape here, that of the newest: there is nothing to convert.
        return store

    def heads_after(self, count: int) -> Heads:
        store = self.store_after(count)
        heads = {"finalized_header": store.trust.finalized_header, "optimistic_header": store.optimistic_header}
        return {name: self._head(header) for name, header in heads.items()}

    def _head(self, header: LightClientHeader) -> tuple[int, str, str]:
        return header.beacon.slot, beacon_root(header).hex(), compute_execution_root(header, self.chain).hex()


def _folder_cases(file: DataFile, files: Files) -> Iterator[Case]:
    folder = PurePosixPath(file.name).parent.as_posix()

    def read(name: str) -> bytes:
        found = shared_file(files, f"{folder}/{name}")
        assert found is not None, f"{folder}/{name} is missing in every root"
        return found.bytes()

    meta = _yaml(read("meta.yaml"))
    chain = _chain(_yaml(read("config.yaml")), _hex(meta["genesis_validators_root"]))
    kinds = _containers_by_digest(chain)
    steps = Steps(
        chain,
        snappy.decompress(read("bootstrap.ssz_snappy")),
        kinds[_hex(meta["bootstrap_fork_digest"])],
        _hex(meta["trusted_block_root"]),
    )
    for number, step in enumerate(_yaml(file.bytes()), start=1):
        ((name, details),) = step.items()
        update, kind = b"", kinds[_hex(meta["bootstrap_fork_digest"])]
        if name == "process_update":
            update = snappy.decompress(read(f"{details['update']}.ssz_snappy"))
            kind = kinds[_hex(details["update_fork_digest"])]
        steps.steps.append((name, int(details.get("current_slot", 0)), update, kind))
        expected = value(_expected_heads(details["checks"]))
        yield Case(file, f"{number} {name}", expected, partial(steps.heads_after, number))


def _expected_heads(checks: dict[str, Any]) -> Heads:
    return {
        name: (int(head["slot"]), _hex(head["beacon_root"]).hex(), _hex(head.get("execution_root", "00" * 32)).hex())
        for name, head in checks.items()
    }


def _chain(config: dict[str, str], genesis_validators_root: bytes) -> Chain:
    assert config["PRESET_BASE"].strip("'") == "minimal"
    later = [fork for fork in Fork if f"{fork.name}_FORK_EPOCH" in config]
    forks = [
        (Fork.PHASE0, _hex(config["GENESIS_FORK_VERSION"]), 0),
        *((fork, _hex(config[f"{fork.name}_FORK_VERSION"]), int(config[f"{fork.name}_FORK_EPOCH"])) for fork in later),
    ]
    return Chain(
        preset=MINIMAL_PRESET,
        schedule=ForkSchedule(tuple(forks)),
        genesis_validators_root=genesis_validators_root,
        genesis_time=int(config["MIN_GENESIS_TIME"]),
        seconds_per_slot=int(config["SECONDS_PER_SLOT"]),
    )


def _containers_by_digest(chain: Chain) -> dict[bytes, Containers]:
    return {
        compute_fork_digest(version, chain.genesis_validators_root): containers_of(fork, chain.preset)
        for fork, version, _ in chain.schedule.forks
        if fork >= Fork.ALTAIR
    }


def _yaml(data: bytes) -> Any:
    # BaseLoader: everything stays text, or 0x0a… would become a number. It makes no objects but text, lists and maps.
    return yaml.load(data, Loader=yaml.BaseLoader)  # noqa: S506  # see above


def _hex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
