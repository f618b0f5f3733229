"""How other bridges write light-client objects: their JSON into ours, and the proofs that come with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final

from proofs.commitment import acknowledgement_path, commitment_path, packet_commitment
from proofs.encoding import rlp
from proofs.errors import ValueMismatch
from proofs.ethereum import ancestry, spec
from proofs.ethereum import predicates as rules
from proofs.ethereum.containers import BEACON_BLOCK_HEADER, containers_of, sync_committee_type
from proofs.ethereum.evidence import decode_bootstrap, decode_evidence
from proofs.ethereum.execution import prove_account, prove_slot
from proofs.ethereum.forks import MAINNET, MAINNET_PRESET, MINIMAL_PRESET, SEPOLIA, Chain, Fork, ForkSchedule, Preset
from proofs.ethereum.storage_layout import RouterLayout
from proofs.ethereum.types import BeaconBlockHeader, LightClientHeader, SyncCommittee, Update
from proofs.merkle import patricia
from proofs.merkle.ssz_branch import check_branch
from proofs.primitives.hashing import keccak256
from tests.vectors import cbor, protobuf_walk
from tests.vectors.beacon_chains import without_execution
from tests.vectors.beacon_files import shared_file
from tests.vectors.beacon_json import number, raw, ssz_of
from tests.vectors.beacon_trail import LATER_SLOT, Trail, bootstrap_of, evidence_of, slot_of, start_from
from tests.vectors.case import ACCEPT, Case, value
from tests.vectors.files import DataFile, Files

Given = dict[str, Any]


def _by_stem(inside: Sequence[DataFile]) -> dict[str, DataFile]:
    """By name without middle word. Copies in other roots count as read with the first."""
    stems: dict[str, DataFile] = {}
    for file in inside:
        if stems.setdefault(PurePosixPath(file.name).stem, file) is not file:
            file.bytes()
    return stems


def _bare(slot: int) -> LightClientHeader:
    """A trusted header of which a bridge tells the slot alone."""
    return LightClientHeader(BeaconBlockHeader(slot=slot))


def _committee(given: Given, preset: Preset) -> SyncCommittee:
    kind = sync_committee_type(preset)
    return kind.decode(ssz_of(kind, given))


def _store(trust: spec.Trust) -> spec.Store:
    return spec.Store(trust, trust.finalized_header)


# --- datachainlab: branches beside what they prove, execution roots apart -------------------------------------------


def _plain_update(given: Given) -> Given:
    """[object, branch] pairs become two fields; an absent committee makes it a finality update."""
    plain = {**given, "finalized_header": given["finalized_header"][0], "finality_branch": given["finalized_header"][1]}
    if given["next_sync_committee"]:
        plain["next_sync_committee"], plain["next_sync_committee_branch"] = given["next_sync_committee"]
    return plain


def datachainlab_mainnet(inside: Sequence[DataFile], _files: Files) -> Iterator[Case]:
    stems = _by_stem(inside)
    for stem, file in stems.items():
        if "light_client_update" not in stem:
            continue
        given = _plain_update(file.json())
        period = MAINNET.period_at(number(given["signature_slot"]))
        committee = _committee(stems[f"mainnet_sync_committee_period_{period}"].json(), MAINNET_PRESET)
        trust = spec.Trust(_bare(period * MAINNET.preset.slots_per_period), committee, None)
        evidence = evidence_of(given, MAINNET)
        yield Case(file, "update", ACCEPT, Trail(MAINNET, partial(_store, trust)).offer(evidence))
        signing = stems.get(f"mainnet_signing_root_slot_{slot_of(given['attested_header'])}")
        if signing is not None:
            yield Case(signing, "signing root", value(raw(signing.json())), partial(_signing_root, evidence))
    stems["mainnet_context"].bytes()


def _signing_root(evidence: bytes) -> bytes:
    return rules.compute_signing_root(decode_evidence(evidence, MAINNET), MAINNET)


def datachainlab_devnet(inside: Sequence[DataFile], files: Files) -> Iterator[Case]:
    start = shared_file(files, "minimal_devnet/bellatrix_5_9_datachainlab/initial_state.json")
    assert start is not None, "the bootstrap of this devnet is in some root"
    bootstrap, _, genesis_validators_root = start.json()
    versions = [(Fork.PHASE0, "00000001"), (Fork.ALTAIR, "01000001"), (Fork.BELLATRIX, "02000001")]
    schedule = ForkSchedule(tuple((fork, bytes.fromhex(version), 0) for fork, version in versions))
    chain = Chain(MINIMAL_PRESET, schedule, raw(genesis_validators_root), genesis_time=0, seconds_per_slot=6)
    ssz, fork = bootstrap_of({**bootstrap, "header": bootstrap["beacon_header"]}, chain)
    yield Case(start, "bootstrap", ACCEPT, partial(start_from, ssz, fork, chain))
    trail = Trail(chain, partial(start_from, ssz, fork, chain))
    updates = [(file, file.json()) for file in inside if "_update_" in file.name]
    for file, (update, execution) in sorted(updates, key=lambda each: _order(each[1][0]["light_client_update"])):
        plain = _plain_update(update["light_client_update"])
        judge = partial(
            _with_execution,
            trail.offer(evidence_of(plain, chain), slot=slot_of(plain["attested_header"])),
            update,
            plain,
            execution,
        )
        yield Case(file, "update", ACCEPT, judge)


def _order(update: Given) -> tuple[int, int]:
    return number(update["attested_header"]["slot"]), number(update["signature_slot"])


def _with_execution(judge: Callable[[], None], update: Given, plain: Given, execution: Given) -> None:
    """Bellatrix headers have no execution part; the bridge proves the payload's root and two of its fields."""
    judge()
    root = raw(update["finalized_execution_root"])
    body_root = raw(plain["finalized_header"]["body_root"])
    _check(root, update["finalized_execution_branch"], 25, body_root)
    _check(raw(execution["state_root"]), execution["state_root_branch"], 16 + 2, root)
    block_number = number(execution["block_number"]).to_bytes(32, "little")
    _check(block_number, execution["block_number_branch"], 16 + 6, root)


def _check(leaf: bytes, nodes: Sequence[str], gindex: int, root: bytes) -> None:
    check_branch(leaf, [raw(node) for node in nodes], gindex=gindex, root=root, part="vector")


# --- union: a trusted header and both committees -------------------------------------------------------------------

_UNION_ACCOUNT: Final = bytes.fromhex("bad69711da45a0ff61e2c50b8c9b1f3314742d2b")
# Which update finalizes the header that an account proof belongs to, as the suite's README says.
_UNION_PROVED: Final = {"7167040": "finality_update_7167040", "7168000": "period_changing_update_7167040"}


def union(inside: Sequence[DataFile], files: Files) -> Iterator[Case]:
    folder = "sepolia/electra_874_875_union"
    header, current, following = (
        shared_file(files, f"{folder}/{name}_7167008.json")
        for name in ("header", "current_sync_committee", "next_sync_committee")
    )
    assert header is not None, "the trusted header is in some root"
    assert current is not None, "its committee is in some root"
    assert following is not None, "the next committee is in some root"
    beacon = BEACON_BLOCK_HEADER.decode(ssz_of(BEACON_BLOCK_HEADER, header.json()))
    trust = spec.Trust(
        LightClientHeader(beacon),
        _committee(current.json(), MAINNET_PRESET),
        _committee(following.json(), MAINNET_PRESET),
    )
    for file in inside:
        stem = PurePosixPath(file.name).stem.split(".")[0]
        if "update" in stem:
            given = _find_update(file.json())
            yield Case(file, stem, ACCEPT, Trail(SEPOLIA, partial(_store, trust)).offer(evidence_of(given, SEPOLIA)))
        elif "account_proof" in stem:
            proof = [raw(node) for node in file.json()]
            proved = shared_file(files, f"{folder}/{_UNION_PROVED.get(stem.split('_')[-1], stem)}.json")
            # Without the header that it belongs to, a proof is only held to its own root.
            root = keccak256(proof[0])
            if proved is not None:
                root = raw(_find_update(proved.json())["finalized_header"]["execution"]["state_root"])
            yield Case(file, stem, ACCEPT, partial(prove_account, root, _UNION_ACCOUNT, proof))


def _find_update(given: Any) -> Given:
    """The object with a signature, however deep it stands."""
    if isinstance(given, dict):
        if "sync_aggregate" in given:
            return given
        for each in given.values():
            if isinstance(each, dict) and (found := _find_update(each)):
                return found
    return {}


# --- eureka: the committee comes with the header, its hash is trusted ----------------------------------------------


def eureka(inside: Sequence[DataFile], files: Files) -> Iterator[Case]:
    for file in inside:
        if file.path.name.endswith(".decoded.json"):
            given = file.json()
            yield from _eureka_cases(file, given["initial_state"], given["messages"])
        else:
            steps = file.json()["steps"]
            messages = [
                message
                for step in steps
                if "relayer_tx_body" in step["data"]
                for message in protobuf_walk.eureka_messages(raw(step["data"]["relayer_tx_body"]))
            ]
            yield from _eureka_cases(file, steps[0]["data"], messages)


def _eureka_cases(file: DataFile, initial: Given, messages: Sequence[Given]) -> Iterator[Case]:
    world = _EurekaWorld(initial)
    for place, message in enumerate(messages):
        if message["type"] == "update_client":
            yield Case(file, f"{place} update", ACCEPT, world.offer(message["header"]))
        else:
            yield Case(file, f"{place} {message['type']}", ACCEPT, partial(world.check_membership, message))


class _EurekaWorld:
    """Trusted: per slot the hashes of two committees, and the state root of the final execution block."""

    def __init__(self, initial: Given) -> None:
        client, state = initial["client_state"], initial["consensus_state"]
        self.chain = _eureka_chain(client)
        self.address = raw(client["ibc_contract_address"])
        self.slot = number(client["ibc_commitment_slot"])
        hashes = [
            state[name] and raw(state[name]["pubkeys_hash"])
            for name in ("current_sync_committee", "next_sync_committee")
        ]
        self.committees: dict[int, list[bytes | None]] = {number(state["slot"]): hashes}
        self.state_roots: dict[int, bytes] = {}
        self.offered: list[Given] = []
        self.done = 0

    def offer(self, header: Given) -> Callable[[], None]:
        self.offered.append(header)
        count = len(self.offered)
        return lambda: self._judge(count)

    def _judge(self, count: int) -> None:
        while self.done < count:
            self._update(self.offered[self.done])
            self.done += 1

    def _update(self, header: Given) -> None:
        trusted_slot = number(header["trusted_slot"])
        ((which, given),) = header["active_sync_committee"].items()
        committee = _committee(given, self.chain.preset)
        current_hash, next_hash = self.committees[trusted_slot]
        self._check_known(committee, next_hash if which == "Next" else current_hash)
        nobody = SyncCommittee(bytes(len(committee.pubkeys)), bytes(48))
        pair = (nobody, committee) if which == "Next" else (committee, None)
        trust = spec.Trust(_bare(trusted_slot), *pair)
        update = decode_evidence(evidence_of(header["consensus_update"], self.chain), self.chain)
        rules.check_supermajority(update.sync_aggregate)
        spec.validate_update(trust, update, self.chain, current_slot=LATER_SLOT)
        self._believe(update, committee, trusted_slot)

    def _check_known(self, committee: SyncCommittee, known: bytes | None) -> None:
        found = sync_committee_type(self.chain.preset).fields["pubkeys"].root(committee.pubkeys)
        if found != known:
            raise ValueMismatch("sync committee", got=found, expected=known)

    def _believe(self, update: Update, committee: SyncCommittee, trusted_slot: int) -> None:
        final = update.finalized_header
        kind = sync_committee_type(self.chain.preset).fields["pubkeys"]
        current, following = self.committees[trusted_slot]
        if self.chain.period_at(final.beacon.slot) > self.chain.period_at(trusted_slot):
            current, following = kind.root(committee.pubkeys), None
        if update.has_next_sync_committee:
            following = kind.root(update.next_sync_committee.pubkeys)
        self.committees[final.beacon.slot] = [current, following]
        self.state_roots[final.beacon.slot] = final.execution.state_root

    def check_membership(self, message: Given) -> None:
        self._judge(len(self.offered))
        (height,) = message["proof_height"]
        proof = message["proof"]
        account_proof, storage = proof["account_proof"], proof["storage_proof"]
        account = prove_account(self.state_roots[height], self.address, [raw(node) for node in account_proof["proof"]])
        assert account is not None, "the router exists"
        packet = protobuf_walk.packet(raw(message["packet_protobuf_hex"]))
        layout = RouterLayout(self.address, account.code_hash, self.slot)
        is_receive = message["type"] == "MsgRecvPacket"
        path = (
            commitment_path(packet.source_client, packet.sequence)
            if is_receive
            else acknowledgement_path(packet.dest_client, packet.sequence)
        )
        found = prove_slot(account.storage_root, layout.slot_of(path), [raw(node) for node in storage["proof"]])
        expected = packet_commitment(packet) if is_receive else raw(storage["value"])
        if found != expected.lstrip(b"\0"):
            raise ValueMismatch("packet commitment", got=found, expected=expected)


def _eureka_chain(client: Given) -> Chain:
    forks = client["fork_parameters"]
    rows = [(Fork.PHASE0, raw(forks["genesis_fork_version"]), 0)]
    rows += [
        (fork, raw(forks[name]["version"]), number(forks[name]["epoch"])) for fork, name in _FORK_NAMES if name in forks
    ]
    slots, epochs = number(client["slots_per_epoch"]), number(client["epochs_per_sync_committee_period"])
    return Chain(
        Preset(slots, epochs, number(client["sync_committee_size"]), slots * epochs),
        ForkSchedule(tuple(rows)),
        raw(client["genesis_validators_root"]),
        number(client["genesis_time"]),
        number(client["seconds_per_slot"]),
    )


_FORK_NAMES: Final = [(fork, fork.name.lower()) for fork in Fork if fork is not Fork.PHASE0]


# --- snowbridge: beacon headers without execution part, block roots beside them ------------------------------------

_SNOWBRIDGE_FOLDER: Final = "mainnet_preset_devnet/deneb_snowbridge"
_SNOWBRIDGE_DENEB: Final = Chain(
    MAINNET_PRESET,
    ForkSchedule(tuple((fork, bytes([fork, 0, 0, 0]), 0) for fork in tuple(Fork)[:5])),
    bytes.fromhex("270d43e74ce340de4bca2b1936beca0f4f5408d9e78aec4850920baf659d5b69"),
    genesis_time=0,
    seconds_per_slot=12,
)
SNOWBRIDGE_CHAIN: Final = without_execution(_SNOWBRIDGE_DENEB)
_BLOCK_ROOTS: Final = 5


def _snowbridge_update(given: Given) -> Given:
    return {**given, **(given["next_sync_committee_update"] or {})}


def snowbridge(inside: Sequence[DataFile], files: Files) -> Iterator[Case]:
    start = shared_file(files, f"{_SNOWBRIDGE_FOLDER}/initial-checkpoint.json")
    assert start is not None, "the checkpoint is in some root"
    first = start.json()
    yield Case(start, "checkpoint", ACCEPT, snowbridge_mutation("bootstrap", [], first))
    updates = [
        (file, file.json()) for file in inside if "header-update" in file.name or "committee-update" in file.name
    ]
    updates = [each for each in updates if "sync_aggregate" in each[1]]
    offered = [first]
    for file, given in sorted(updates, key=lambda each: (_order(each[1]), bool(each[1]["next_sync_committee_update"]))):
        yield Case(file, "update", ACCEPT, snowbridge_mutation(None, list(offered), given, side_by_side=True))
        offered.append(given)
    by_stem = _by_stem(inside)
    final = shared_file(files, f"{_SNOWBRIDGE_FOLDER}/finalized-header-update.json")
    if "execution-header-update" in by_stem:
        file = by_stem["execution-header-update"]
        assert final is not None, "the final header of this proof is in some root"
        judge = snowbridge_mutation("execution_header", [first, final.json()], file.json())
        yield Case(file, "execution header", ACCEPT, judge)
    if "inbound-message" in by_stem:
        file = by_stem["inbound-message"]
        yield Case(file, "receipt", ACCEPT, partial(_inbound_message, file.json()))


def snowbridge_mutation(
    kind: str | None, first: Sequence[Given], given: Given, *, side_by_side: bool = False
) -> Callable[[], object]:
    """side_by_side: objects of one attested slot are judged on the same store, as copies of one file must be."""
    if kind == "bootstrap":
        return partial(_snowbridge_checkpoint, given)
    if not first:
        return partial(_snowbridge_without_client, given)
    trail = Trail(SNOWBRIDGE_CHAIN, partial(_snowbridge_checkpoint, first[0]))
    for each in first[1:]:
        _offer_snowbridge(trail, each, side_by_side=side_by_side)
    if kind == "execution_header":
        return partial(_snowbridge_execution, trail, len(first) - 1, first[-1], given)
    return partial(_snowbridge_judge, _offer_snowbridge(trail, given, side_by_side=side_by_side), given)


def _offer_snowbridge(trail: Trail, given: Given, *, side_by_side: bool) -> Callable[[], None]:
    slot = slot_of(given["attested_header"]) if side_by_side else None
    return trail.offer(evidence_of(_snowbridge_update(given), SNOWBRIDGE_CHAIN), slot=slot)


def _snowbridge_checkpoint(given: Given) -> spec.Store:
    ssz, fork = bootstrap_of(given, SNOWBRIDGE_CHAIN)
    store = start_from(ssz, fork, SNOWBRIDGE_CHAIN)
    _check_block_roots(given, given["header"])
    return store


def _snowbridge_judge(judge: Callable[[], None], given: Given) -> None:
    judge()
    _check_block_roots(given, given["finalized_header"])


def _check_block_roots(given: Given, header: Given) -> None:
    gindex = ancestry.state_field_gindex(_BLOCK_ROOTS, Fork.DENEB)
    _check(raw(given["block_roots_root"]), given["block_roots_branch"], gindex, raw(header["state_root"]))


def _snowbridge_without_client(given: Given) -> None:
    """Where there is no client, bytes can only be offered as a bootstrap."""
    evidence = evidence_of(_snowbridge_update(given), SNOWBRIDGE_CHAIN)
    decode_bootstrap(evidence[2:], Fork.ALTAIR, SNOWBRIDGE_CHAIN)


def _snowbridge_execution(trail: Trail, offered: int, updated: Given, given: Given) -> None:
    """An older beacon header under the final one, and the execution header in its body.

    The block roots' own branch came with the update that brought the final header.
    """
    final = trail.store_after(offered).trust.finalized_header
    ((_, execution),) = given["execution_header"].items()
    whole = {"beacon": given["header"], "execution": execution, "execution_branch": given["execution_branch"]}
    kind = containers_of(Fork.DENEB, MAINNET_PRESET).header
    header = kind.decode(ssz_of(kind, whole))
    rules.check_header(header, _SNOWBRIDGE_DENEB)
    proof = given["ancestry_proof"]
    final_root = BEACON_BLOCK_HEADER.root(final.beacon)
    if final_root != raw(proof["finalized_block_root"]):
        raise ValueMismatch("finalized block root", got=raw(proof["finalized_block_root"]), expected=final_root)
    ancestry.check_recent_block(
        BEACON_BLOCK_HEADER.root(header.beacon),
        [raw(node) for node in (*proof["header_branch"], *updated["block_roots_branch"])],
        slot=header.beacon.slot,
        state_root=final.beacon.state_root,
        state_slot=final.beacon.slot,
        chain=_SNOWBRIDGE_DENEB,
    )


def _inbound_message(given: Given) -> None:
    proof, log = given["message"]["Proof"], given["message"]["event_log"]
    key = rlp.encode(rlp.int_bytes(proof["tx_index"]))
    nodes = [raw(node) for node in proof["data"]["values"]]
    receipt = patricia.value_at(raw(given["execution_header"]["receipts_root"]), key, nodes)
    assert receipt is not None, "a receipt stands at this index"
    fields = rlp.as_list(rlp.decode(receipt[1:] if receipt[0] < 0x80 else receipt), "receipt", count=4)
    wanted = [raw(log["address"]), [raw(topic) for topic in log["topics"]], raw(log["data"])]
    if wanted not in fields[3]:
        raise ValueMismatch("event log", got="not in the receipt", expected=wanted[0])


# --- sp1-helios: the inputs of its prover, in CBOR -----------------------------------------------------------------


def sp1_helios(inside: Sequence[DataFile], _files: Files) -> Iterator[Case]:
    for file in inside:
        given = cbor.decode(file.bytes())
        store = given["store"]
        following = store.get("next_sync_committee")
        beacon = BEACON_BLOCK_HEADER.decode(ssz_of(BEACON_BLOCK_HEADER, _beacon(store["finalized_header"])))
        trust = spec.Trust(
            LightClientHeader(beacon),
            _committee(store["current_sync_committee"], MAINNET_PRESET),
            _committee(following, MAINNET_PRESET) if following else None,
        )
        trail = Trail(MAINNET, partial(_store, trust))
        for place, update in enumerate([*given.get("updates", []), given["finality_update"]]):
            yield Case(file, str(place), ACCEPT, trail.offer(evidence_of(update, MAINNET)))


def _beacon(header: Given) -> Given:
    found: Given = header.get("beacon", header)
    return found
