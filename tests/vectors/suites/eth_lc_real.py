"""Light-client objects of real chains and of other projects' devnets, and other projects' mutations of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final

from proofs.ethereum import predicates as rules
from proofs.ethereum.evidence import decode_bootstrap, decode_evidence
from proofs.ethereum.forks import MAINNET, SEPOLIA, Chain, Fork
from tests.vectors import beacon_bridges as bridges
from tests.vectors.beacon_chains import GOERLI
from tests.vectors.beacon_files import Found, objects_in
from tests.vectors.beacon_trail import Trail, bootstrap_of, evidence_of, start_from
from tests.vectors.case import ACCEPT, Case, accept_if
from tests.vectors.files import DataFile, Files

_NETWORKS: Final = {"mainnet": MAINNET, "goerli": GOERLI, "sepolia": SEPOLIA}

# Folders whose files need their project's own reading.
_BRIDGES: Final[dict[str, Callable[[Sequence[DataFile], Files], Iterator[Case]]]] = {
    "bellatrix_713_datachainlab": bridges.datachainlab_mainnet,
    "bellatrix_5_9_datachainlab": bridges.datachainlab_devnet,
    "electra_874_875_union": bridges.union,
    "fulu_eureka": bridges.eureka,
    "deneb_snowbridge": bridges.snowbridge,
    "fulu_sp1_helios": bridges.sp1_helios,
}


def cases(files: Files) -> Iterator[Case]:
    folders: dict[str, list[DataFile]] = {}
    for file in files.all:
        parts = PurePosixPath(file.name).parts
        if len(parts) > 2:
            folders.setdefault("/".join(parts[:2]), []).append(file)
    for folder, inside in folders.items():
        network, name = folder.split("/")
        reader = _BRIDGES.get(name)
        yield from reader(inside, files) if reader else _folder_cases(inside, _NETWORKS[network])
    for file in files.named("invalid_updates/mutations.json"):
        for entry in file.json():
            yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), _mutation(entry, files))


def _folder_cases(inside: Sequence[DataFile], chain: Chain) -> Iterator[Case]:
    found = sorted((each for file in inside for each in objects_in(file, chain)), key=lambda each: each.order)
    bootstraps = [each for each in found if each.kind is None]
    updates = [each for each in found if each.kind is not None]
    for each in bootstraps:
        yield Case(each.file, f"bootstrap {each.name}", ACCEPT, partial(_bootstraps, each, chain))
    if not bootstraps or not updates:
        return
    first = _first_bootstrap(bootstraps, updates, chain)
    trail = Trail(chain, partial(start_from, first.data, first.fork, chain))
    for each in updates:
        if chain.period_at(each.signature_slot) < chain.period_at(first.slot):
            # Signed by a committee that the suite does not hold: all but the signature is judged.
            yield Case(each.file, f"{each.name} but its signature", ACCEPT, partial(_all_but_signature, each, chain))
        else:
            yield Case(each.file, each.name or "update", ACCEPT, trail.offer(each.data, slot=each.slot))


def _first_bootstrap(bootstraps: Sequence[Found], updates: Sequence[Found], chain: Chain) -> Found:
    """The newest one that is not younger than the first update's period; the oldest if all are."""
    period = chain.period_at(updates[0].signature_slot)
    early = [each for each in bootstraps if chain.period_at(each.slot) <= period]
    return early[-1] if early else bootstraps[0]


def _bootstraps(found: Found, chain: Chain) -> None:
    start_from(found.data, found.fork, chain)


def _all_but_signature(found: Found, chain: Chain) -> None:
    update = decode_evidence(found.data, chain)
    rules.check_header(update.attested_header, chain)
    rules.check_slots_in_order(update)
    rules.check_finality(update, chain)
    rules.check_next_committee_branch(update, chain)


def _mutation(entry: dict[str, Any], files: Files) -> Callable[[], object]:
    """The objects are made now, judged later."""
    snowbridge = "snowbridge" in entry["input"]["file"]
    chain = bridges.SNOWBRIDGE_CHAIN if snowbridge else _NETWORKS[entry["input"]["file"].split("/")[0]]
    first = [_mutated(each, files) for each in entry["apply_first"]]
    given = _mutated(entry["input"], files)
    if snowbridge:
        return bridges.snowbridge_mutation(entry.get("kind"), first, given)
    if entry.get("kind") == "bootstrap":
        ssz, fork = bootstrap_of(given, chain)
        return partial(start_from, ssz, fork, chain)
    if not first:
        return partial(_without_client, given, chain)
    ssz, fork = bootstrap_of(first[0], chain)
    trail = Trail(chain, partial(start_from, ssz, fork, chain))
    for each in first[1:]:
        trail.offer(evidence_of(each, chain))
    return trail.offer(evidence_of(given, chain))


def _without_client(given: dict[str, Any], chain: Chain) -> None:
    """Where there is no client, bytes can only be offered as a bootstrap."""
    evidence = evidence_of(given, chain)
    decode_bootstrap(evidence[2:], Fork(evidence[1]), chain)


def _mutated(step: dict[str, Any], files: Files) -> Any:
    file = files.one(step["file"])
    assert file is not None, f"{step['file']} is missing in every root"
    target = file.json()
    for key in step["pointer"].split("/")[1:]:
        target = target[int(key) if isinstance(target, list) else key]
    for change in step["patch"]:
        *path, last = change["path"].split("/")[1:]
        place = target
        for key in path:
            place = place[int(key) if isinstance(place, list) else key]
        at = int(last) if isinstance(place, list) else last
        if change["op"] == "remove":
            del place[at]
        else:
            assert change["op"] in ("replace", "add"), change["op"]
            place[at] = change["value"]
    return target
