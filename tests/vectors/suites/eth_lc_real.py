"""Light-client objects of real chains and of other projects' devnets, and other projects' mutations of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final

from proofs.errors import VerificationError
from proofs.ethereum import predicates as rules
from proofs.ethereum.evidence import decode_bootstrap, decode_evidence
from proofs.ethereum.forks import MAINNET, SEPOLIA, Chain, Fork
from tests.vectors import beacon_bridges as bridges
from tests.vectors.beacon_chains import GOERLI
from tests.vectors.beacon_files import Found, objects_in, shared_file
from tests.vectors.beacon_state_proofs import account_proof_cases
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
        read = partial(reader, inside, files) if reader else partial(_folder_cases, inside, _NETWORKS[network])
        yield from _or_one_wrong_case(read, inside[0])
    for file in files.named("invalid_updates/mutations.json"):
        for entry in file.json():
            judge = partial(_mutation, entry.get("kind"), entry["apply_first"], entry["input"], files)
            yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), judge)


def _or_one_wrong_case(read: Callable[[], Iterator[Case]], file: DataFile) -> Iterator[Case]:
    """A folder that cannot be read is one wrong verdict, and the others are still judged."""
    try:
        yield from read()
    except (AssertionError, LookupError, TypeError, ValueError, VerificationError) as trouble:
        yield Case(file, "the whole folder", ACCEPT, partial(_unreadable, trouble))


def _unreadable(trouble: Exception) -> None:
    raise AssertionError from trouble


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
    yield from account_proof_cases(inside, [each.data for each in updates], chain)


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


def _mutation(kind: str | None, apply_first: list[Any], offered: dict[str, Any], files: Files) -> object:
    chain = _NETWORKS[offered["file"].split("/")[0]] if "snowbridge" not in offered["file"] else None
    first = [_mutated(each, files) for each in apply_first]
    given = _mutated(offered, files)
    if chain is None:
        return bridges.snowbridge_mutation(kind, first, given)()
    if kind == "bootstrap":
        ssz, fork = bootstrap_of(given, chain)
        return start_from(ssz, fork, chain)
    if not first:
        _without_client(given, chain)
        return None
    ssz, fork = bootstrap_of(first[0], chain)
    trail = Trail(chain, partial(start_from, ssz, fork, chain))
    for each in first[1:]:
        trail.offer(evidence_of(each, chain))
    return trail.offer(evidence_of(given, chain))()


def _without_client(given: dict[str, Any], chain: Chain) -> None:
    """Where there is no client, bytes can only be offered as a bootstrap."""
    evidence = evidence_of(given, chain)
    decode_bootstrap(evidence[2:], Fork(evidence[1]), chain)


def _mutated(step: dict[str, Any], files: Files) -> Any:
    file = shared_file(files, step["file"])
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
