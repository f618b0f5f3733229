"""Light-client objects in the files of one folder: JSON of beacon nodes, SSZ with or without digest, Portal content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from proofs.ethereum.containers import containers_of
from proofs.ethereum.evidence import EvidenceKind, decode_evidence, encode_evidence
from proofs.ethereum.forks import Chain, Fork, compute_fork_digest
from tests.vectors.beacon_json import raw
from tests.vectors.beacon_trail import bootstrap_of, evidence_of, slot_of
from tests.vectors.files import DataFile, Files


@dataclass(frozen=True, slots=True)
class Found:
    """One object. kind None: a bootstrap, whose bytes are SSZ alone; otherwise bytes are evidence."""

    file: DataFile
    name: str
    kind: EvidenceKind | None
    fork: Fork
    data: bytes
    slot: int
    signature_slot: int

    @property
    def order(self) -> tuple[int, int, int]:
        return self.slot, self.signature_slot, self.kind or 0


def shared_file(files: Files, name: str) -> DataFile | None:
    """A file that others refer to. More than one root may hold it: the first is used, the copies count as read."""
    copies = list(files.named(name))
    for copy in copies:
        copy.bytes()
    return copies[0] if copies else None


def objects_in(file: DataFile, chain: Chain) -> Iterator[Found]:
    """Nothing for a file that holds no light-client object: such a file stays unread."""
    match file.path.suffix:
        case ".json":
            for place, given in enumerate(unwrap(json.loads(file.path.read_bytes()))):
                yield from _from_json(file, str(place), given, chain)
        case ".yaml":
            yield from _from_portal(file, chain)
        case ".ssz":
            yield from _from_ssz(file, chain)
        case _:
            return


def unwrap(given: Any) -> list[Any]:
    """A list of answers, an answer of a node ({version, data}), or the object itself."""
    if isinstance(given, list):
        return [each for one in given for each in unwrap(one)]
    if isinstance(given, dict) and "data" in given:
        return unwrap(given["data"])
    return [given]


def _from_json(file: DataFile, name: str, given: Any, chain: Chain) -> Iterator[Found]:
    if not isinstance(given, dict):
        return
    if "current_sync_committee_branch" in given:
        ssz, fork = bootstrap_of(given, chain)
        yield _bootstrap(file, name, fork, ssz, slot_of(given["header"]))
    elif "sync_aggregate" in given:
        evidence = evidence_of(given, chain)
        yield _evidence(file, name, evidence, chain)


def _bootstrap(file: DataFile, name: str, fork: Fork, ssz: bytes, slot: int) -> Found:
    file.bytes()
    return Found(file, name, None, fork, ssz, slot, slot)


def _evidence(file: DataFile, name: str, evidence: bytes, chain: Chain) -> Found:
    file.bytes()
    update = decode_evidence(evidence, chain)
    kind, fork = EvidenceKind(evidence[0]), Fork(evidence[1])
    return Found(file, name, kind, fork, evidence, update.attested_header.beacon.slot, update.signature_slot)


_PORTAL = {
    0x10: "bootstrap",
    0x11: "updates",
    0x12: "finality",
    0x13: "optimistic",
}


def _from_portal(file: DataFile, chain: Chain) -> Iterator[Found]:
    entry = yaml.safe_load(file.path.read_text())
    entries = entry if isinstance(entry, list) else [entry]
    for each in entries:
        content = raw(each["content_value"])
        word = _PORTAL[raw(each["content_key"])[0]]
        parts = [content]
        if word == "updates":
            # An SSZ list of byte strings: offsets first.
            starts = [int.from_bytes(content[at : at + 4], "little") for at in range(0, content[0], 4)]
            parts = [content[start:end] for start, end in zip(starts, [*starts[1:], len(content)], strict=True)]
        for place, part in enumerate(parts):
            yield _ssz(file, str(place), word, _fork_by_digest(part[:4], chain), part[4:], chain)


def _from_ssz(file: DataFile, chain: Chain) -> Iterator[Found]:
    stem = PurePosixPath(file.name).stem.lower()
    data = file.path.read_bytes()
    if "updates" in stem:
        at = place = 0
        while at < len(data):
            length = int.from_bytes(data[at : at + 8], "little")
            part = data[at + 8 : at + 8 + length]
            yield _ssz(file, str(place), "updates", _fork_by_digest(part[:4], chain), part[4:], chain)
            at, place = at + 8 + length, place + 1
        return
    for word in ("bootstrap", "fin", "opt", "update"):
        if word in stem:
            yield _ssz(file, "", word, _fork_by_name(file.name), data, chain)
            return


def _ssz(file: DataFile, name: str, word: str, fork: Fork, ssz: bytes, chain: Chain) -> Found:
    if word == "bootstrap":
        slot = containers_of(fork, chain.preset).bootstrap.decode(ssz).header.beacon.slot
        return _bootstrap(file, name, fork, ssz, slot)
    kind = {"f": EvidenceKind.FINALITY_UPDATE, "o": EvidenceKind.OPTIMISTIC_UPDATE}.get(word[0], EvidenceKind.UPDATE)
    return _evidence(file, name, encode_evidence(kind, fork, ssz), chain)


def _fork_by_digest(digest: bytes, chain: Chain) -> Fork:
    digests = {
        compute_fork_digest(version, chain.genesis_validators_root): fork for fork, version, _ in chain.schedule.forks
    }
    return digests[digest]


def _fork_by_name(name: str) -> Fork:
    """The newest fork that the path names, in folder or file."""
    return max(fork for fork in Fork if fork.name.lower() in name.lower())
