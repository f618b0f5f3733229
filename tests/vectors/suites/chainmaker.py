"""Blocks, votes, members and trees of ChainMaker chains.

A few parts of the real chains were never found: two organisations' roots of the certificate chain, whose signers are
then trusted by their exact certificates, as a configuration may say; and the nodes of the SM3 chain, which are known by
their keys.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import yaml

from proofs.chainmaker import predicates as rules
from proofs.chainmaker.addresses import contract_address, ethereum_address, zxl_address
from proofs.chainmaker.certificates import parse_pem_certificate, verify_chain
from proofs.chainmaker.client import ChainMakerClient, Checkpoint, bootstrap, decode_client
from proofs.chainmaker.fields import without
from proofs.chainmaker.hashing import algorithm, block_hash, transaction_hash
from proofs.chainmaker.host import HostLayout
from proofs.chainmaker.identities import Identity, by_hash, identify, verify_endorsement
from proofs.chainmaker.keys import PublicKey, node_id, parse_pem_key
from proofs.chainmaker.messages import (
    decode_config,
    decode_header,
    decode_transaction,
    decode_vote,
    decode_vote_set,
)
from proofs.chainmaker.pem import read_pem
from proofs.chainmaker.spec import verify_checkpoint, verify_voted
from proofs.chainmaker.transactions import verify_inclusion, verify_write_set
from proofs.chainmaker.tree import compute_path, compute_root, verify_path
from proofs.chainmaker.types import ChainConfig, Endorsement, Organisation, Parameters, TrustMember, TrustRoot
from proofs.primitives import sm2
from proofs.primitives.ecdsa_der import decode_signature
from proofs.primitives.hashing import sha256
from tests.proofs.chainmaker import plain_form as form
from tests.vectors.case import ACCEPT, Case, value
from tests.vectors.files import DataFile, Files
from tests.vectors.protobuf_walk import fields

_VOTES = "TBFTAddtionalDataKey"
_PARAMETERS = Parameters(trusting_period=10**9, drift=0)


def cases(files: Files) -> Iterator[Case]:
    yield from _certificate_chain(files)
    yield from _genesis(files)
    yield from _sm3_chain(files)
    yield from _identities(files)
    yield from _sample_network(files)
    yield from _trees(files)
    yield from _sm2(files)


# --- a real chain with certificates


def _certificate_chain(files: Files) -> Iterator[Case]:
    blocks = [*files.named("tbft_sha256_cert/block_0002.json"), *files.named("tbft_sha256_cert/header_votes_0003.json")]
    if not blocks:
        return
    config = _config_of(files, [each.json()["block"] for each in blocks])
    for file in blocks:
        block = file.json()["block"]
        header = form.encode(form.HEADER, block["header"])
        votes = b64decode(block["additional_data"]["extra_data"][_VOTES])
        yield Case(file, "voted", ACCEPT, partial(_voted, header, votes, config))
        yield from _block_hashes(file, block, header, "SHA256")
        for number, tx in enumerate(block.get("txs", ())):
            yield from _signatures(file, f"tx {number}", tx, config, _certificates(files))
            yield from _event_addresses(file, tx)
        yield from _write_sets(file, block.get("txs", ()), file.json().get("rwset_list", ()), "SHA256")
    headers = [form.encode(form.HEADER, each.json()["block"]["header"]) for each in blocks]
    for file, (parent, child) in zip(blocks[1:], pairwise(headers), strict=True):
        yield Case(file, "linked", ACCEPT, partial(_linked, parent, child, config))
    for file in files.named("tbft_sha256_cert/block_0002.blockinfo.pb"):
        yield from _serialized_block(file, config)
    for file in files.named("tbft_sha256_cert/tx_evidence_sender_sig.json"):
        yield from _signatures(file, "tx", file.json(), config, _certificates(files))


def _config_of(files: Files, blocks: Sequence[Any]) -> ChainConfig:
    """What the chain's configuration must have been, from the roots that were found and the nodes that voted."""
    roots = {}
    for number in (1, 2):
        file = files.one(f"tbft_sha256_cert/ca_wx-org{number}.crt")
        assert file is not None, "the votes come with these roots"
        roots[f"wx-org{number}.chainmaker.org"] = file.text()
    owners: dict[str, str] = {}
    members: dict[str, str] = {}
    for block in blocks:
        votes = decode_vote_set(b64decode(block["additional_data"]["extra_data"][_VOTES]))
        signers = [vote.endorsement.signer for _, vote in votes.votes]
        owners |= {key: vote.endorsement.signer.org_id for key, vote in votes.votes}
        members |= {each.info.decode(): each.org_id for each in signers if each.org_id not in roots}
        proposer = block["header"]["proposer"]
        endorsers = [one["signer"] for tx in block.get("txs", ()) for one in tx.get("endorsers", ())]
        for each in (proposer, *endorsers):
            if each["org_id"] not in roots:
                members[b64decode(each["member_info"]).decode()] = each["org_id"]
    return _config(
        rules.WITH_CERTIFICATES,
        "SHA256",
        owners,
        roots=tuple(TrustRoot(org, (text,)) for org, text in roots.items()),
        members=tuple(TrustMember(text, org, "CONSENSUS", "") for text, org in members.items()),
    )


def _config(
    auth_type: str,
    hash_name: str,
    owners: dict[str, str],
    roots: tuple[TrustRoot, ...] = (),
    members: tuple[TrustMember, ...] = (),
    chain_id: str = "chain1",
) -> ChainConfig:
    organisations = tuple(
        Organisation(org, tuple(node for node, owner in owners.items() if owner == org))
        for org in sorted(set(owners.values()))
    )
    return ChainConfig(chain_id, "v2", auth_type, 0, hash_name, rules.TBFT, organisations, roots, members)


def _voted(header: bytes, votes: bytes, config: ChainConfig) -> None:
    decoded = decode_header(header)
    verify_checkpoint(
        decoded,
        config,
        chain_id=config.chain_id,
        height=decoded.height,
        block_hash=decoded.hash,
        config_height=decoded.config_height,
    )
    verify_voted(decoded, decode_vote_set(votes), config, parameters=_PARAMETERS)


def _linked(parent: bytes, child: bytes, config: ChainConfig) -> None:
    decoded = decode_header(parent)
    state = verify_checkpoint(
        decoded,
        config,
        chain_id=config.chain_id,
        height=decoded.height,
        block_hash=decoded.hash,
        config_height=decoded.config_height,
    )
    follower = decode_header(child)
    rules.check_height_follows(follower, state)
    rules.check_previous_hash(follower, state)
    rules.check_time_not_backwards(follower, state)
    rules.check_config_height(follower, state)


def _block_hashes(file: DataFile, block: Any, header: bytes, hash_name: str) -> Iterator[Case]:
    digest = algorithm(hash_name)
    stated = block["header"]
    yield Case(file, "block hash", value(b64decode(stated["block_hash"])), partial(block_hash, header, digest))
    yield Case(
        file, "dag hash", value(b64decode(stated["dag_hash"])), partial(digest, form.encode(form.DAG, block["dag"]))
    )
    txs = [form.encode(form.TRANSACTION, each) for each in block.get("txs", ())]
    if not txs:
        return
    root = b64decode(stated["tx_root"])
    version = stated["block_version"]
    yield Case(file, "tx root", value(root), partial(_root_of, txs, version, hash_name))
    for index, tx in enumerate(txs):
        yield Case(file, f"tx {index} included", ACCEPT, partial(_included, txs, index, root, version, hash_name))
        del tx
    hashes = [b64decode(each["result"]["rw_set_hash"]) for each in block["txs"]]
    yield Case(file, "rw_set root", value(b64decode(stated["rw_set_root"])), partial(compute_root, hashes, digest))


def _root_of(txs: Sequence[bytes], version: int, hash_name: str) -> bytes:
    digest = algorithm(hash_name)
    leaves = [transaction_hash(decode_transaction(each).encoded, digest, block_version=version) for each in txs]
    return compute_root(leaves, digest)


def _included(txs: Sequence[bytes], index: int, root: bytes, version: int, hash_name: str) -> None:
    digest = algorithm(hash_name)
    leaves = [transaction_hash(each, digest, block_version=version) for each in txs]
    verify_inclusion(
        decode_transaction(txs[index]),
        compute_path(leaves, index, digest),
        index=index,
        count=len(txs),
        root=root,
        block_version=version,
        digest=digest,
    )


def _certificates(files: Files) -> tuple[bytes, ...]:
    return tuple(read_pem(each.bytes(), "CERTIFICATE") for each in files.named("tbft_sha256_cert/client1.sign.crt"))


def _signatures(
    file: DataFile, name: str, tx: Any, config: ChainConfig, certificates: tuple[bytes, ...]
) -> Iterator[Case]:
    payload = form.encode(form.PAYLOAD, tx["payload"])
    at = tx["payload"]["timestamp"]
    encoded = form.encode(form.TRANSACTION, tx)
    decoded = decode_transaction(encoded)
    for role, endorsement in [("sender", decoded.sender), *(("endorser", each) for each in decoded.endorsers)]:
        if endorsement is not None:
            yield Case(
                file, f"{name} {role}", ACCEPT, partial(_endorsed, endorsement, payload, config, at, certificates)
            )


def _endorsed(
    endorsement: Endorsement, message: bytes, config: ChainConfig, at: int, certificates: tuple[bytes, ...] = ()
) -> None:
    named = by_hash(certificates, algorithm(config.hash_name))
    verify_endorsement(endorsement, message, identify(endorsement.signer, config, at=at, certificates=named))


def _event_addresses(file: DataFile, tx: Any) -> Iterator[Case]:
    for number, event in enumerate(tx["result"]["contract_result"].get("contract_event", ())):
        named = decode_transaction(form.encode(form.TRANSACTION, tx)).result.contract_result
        assert named is not None, "it has events"
        shown = partial(_event_fields, named.events[number])
        expected = (event["topic"], event["tx_id"], event["contract_name"], event["event_data"])
        yield Case(file, f"event {number}", value(expected), shown)


def _event_fields(event: Any) -> tuple[str, str, str, list[str]]:
    texts = [each.decode() for each in event.data]
    return event.topic.decode(), event.transaction_id.decode(), event.contract.decode(), texts


def _write_sets(file: DataFile, txs: Sequence[Any], sets: Sequence[Any], hash_name: str) -> Iterator[Case]:
    for number, (tx, each) in enumerate(zip(txs, sets, strict=len(sets) > 0)):
        encoded = form.encode(form.WRITE_SET, each)
        transaction = decode_transaction(form.encode(form.TRANSACTION, tx))
        yield Case(
            file, f"rw_set {number}", ACCEPT, partial(verify_write_set, encoded, transaction, algorithm(hash_name))
        )


def _serialized_block(file: DataFile, config: ChainConfig) -> Iterator[Case]:
    """The same block as the node sends it: {1: block {1: header, 3: txs, 4: {1: extra data}}, 2: write sets}."""
    info = file.bytes()
    block = _values(info, 1)[0]
    header = _values(block, 1)[0]
    extra = {_values(each, 1)[0].decode(): _values(each, 2)[0] for each in _values(_values(block, 4)[0], 1)}
    yield Case(file, "voted", ACCEPT, partial(_voted, header, extra[_VOTES], config))
    stated = decode_header(header)
    txs = _values(block, 3)
    yield Case(file, "tx root", value(stated.transaction_root), partial(_root_of, txs, stated.version, "SHA256"))
    yield Case(file, "dag hash", value(stated.dag_hash), partial(algorithm(config.hash_name), _values(block, 2)[0]))
    for number, (tx, each) in enumerate(zip(txs, _values(info, 2), strict=True)):
        verify = partial(verify_write_set, each, decode_transaction(tx), algorithm(config.hash_name))
        yield Case(file, f"rw_set {number}", ACCEPT, verify)


def _values(message: bytes, number: int) -> list[bytes]:
    return [each for each in fields(message).get(number, []) if isinstance(each, bytes)]


# --- a genesis block and votes under it


def _genesis(files: Files) -> Iterator[Case]:
    for file in files.named("genesis_v2.3.0_tbft/genesis.json"):
        json = file.json()
        block = json["block"]
        header = form.encode(form.HEADER, block["header"])
        config = b64decode(block["txs"][0]["result"]["contract_result"]["result"])
        yield from _block_hashes(file, block, header, "SHA256")
        yield from _write_sets(file, block["txs"], json["txRWSets"], "SHA256")
        checkpoint = Checkpoint("chain1", 0, b64decode(block["header"]["block_hash"]), sha256(config), 0)
        yield Case(file, "starts a client", value(0), partial(_start, header, config, checkpoint))
        for votes in files.named("genesis_v2.3.0_tbft/votes.json"):
            at = 1_701_421_128  # the log has no block times; a moment at which the certificates are valid
            at = _valid_time(votes.json()[0]["vote_hex"]) or at
            for number, entry in enumerate(votes.json()):
                yield from _vote(votes, f"vote {number}", entry, decode_config(config), at)


def _start(header: bytes, config: bytes, checkpoint: Checkpoint) -> int:
    client = bootstrap(header, config, checkpoint=checkpoint, parameters=_PARAMETERS, layout=HostLayout("HOST", "1"))
    assert decode_client(client.encode()) == client, "a client is what its bytes say"
    assert isinstance(client, ChainMakerClient)
    return client.latest().number


def _valid_time(vote_hex: str) -> int:
    vote = decode_vote(bytes.fromhex(vote_hex))
    return parse_pem_certificate(vote.endorsement.signer.info).not_before + 1


def _vote(file: DataFile, name: str, entry: Any, config: ChainConfig, at: int) -> Iterator[Case]:
    encoded = bytes.fromhex(entry["vote_hex"])
    expected = (entry["type"], entry["voter"], entry["height"], entry["round"], bytes.fromhex(entry["hash"]))
    yield Case(file, name, value(expected), partial(_signed_vote, encoded, config, at))


def _signed_vote(encoded: bytes, config: ChainConfig, at: int) -> tuple[int, str, int, int, bytes]:
    vote = decode_vote(encoded)
    _endorsed(vote.endorsement, without(encoded, {6}), config, at)
    return vote.type, vote.voter, vote.height, vote.round, vote.hash


# --- a chain with SM3 and keys


def _sm3_chain(files: Files) -> Iterator[Case]:
    for file in files.named("sm3_public_key_mode/headers_11_14.json"):
        json = file.json()
        headers = [b64decode(each["header_b64"]) for each in json["headers"]]
        keys = [decode_header(each).proposer for each in headers]
        owners = {node_id(parse_pem_key(each.info)): "public" for each in keys if each is not None}
        config = _config(rules.PUBLIC, json["hash"], owners, chain_id=json["chain_id"])
        for header, stated in zip(headers, json["headers"], strict=True):
            number = stated["height"]
            expected = value(bytes.fromhex(stated["block_hash"]))
            yield Case(file, f"hash of {number}", expected, partial(block_hash, header, algorithm(json["hash"])))
            yield Case(file, f"proposer of {number}", ACCEPT, partial(_proposed, header, config))
            shown = (stated["pre_block_hash"], stated["tx_root"], stated["block_version"], stated["timestamp"])
            yield Case(file, f"fields of {number}", value(shown), partial(_shown, header))
        for parent, child in pairwise(headers):
            yield Case(file, f"after {decode_header(parent).height}", ACCEPT, partial(_linked, parent, child, config))
    for number in (1, 2):
        for file in files.named(f"sm3_public_key_mode/tx{number}.json"):
            tx = file.json()
            info = b64decode(tx["sender"]["signer"]["member_info"])
            config = _config(rules.PUBLIC, "SM3", {node_id(parse_pem_key(info)): "public"})
            yield from _signatures(file, "tx", tx, config, ())
            yield from _event_addresses(file, tx)
            for write_set in files.named(f"sm3_public_key_mode/tx{number}_rwset.json"):
                yield from _write_sets(write_set, [tx], [write_set.json()], "SM3")


def _proposed(header: bytes, config: ChainConfig) -> None:
    decoded = decode_header(header)
    assert decoded.proposer is not None, "a real block"
    _endorsed(Endorsement(decoded.proposer, decoded.signature), decoded.hash, config, decoded.time)


def _shown(header: bytes) -> tuple[str, str, int, int]:
    decoded = decode_header(header)
    return decoded.previous_hash.hex(), decoded.transaction_root.hex(), decoded.version, decoded.time


# --- node ids, addresses, the published sample network


def _identities(files: Files) -> Iterator[Case]:
    for file in files.named("node_ids.json"):
        for number, entry in enumerate(file.json()):
            verify = partial(_node_id_of, entry["pem"].encode())
            yield Case(file, f"{number} {entry['kind']}", value(entry["node_id"]), verify)
    for file in files.named("addresses.json"):
        json = file.json()
        for entry in json["contract_name_to_address"]:
            address = partial(contract_address, entry["name"], block_version=entry["block_version"])
            yield Case(file, entry["name"], value(bytes.fromhex(entry["address"])), address)
        for entry in json["user_cert_to_address"]:
            certificate = files.one(entry["cert"])
            assert certificate is not None, "an address comes with its certificate"
            key = parse_pem_certificate(certificate.bytes()).key
            yield Case(file, entry["cert"], value(bytes.fromhex(entry["address"])), partial(ethereum_address, key))
        for entry in json["zxl"]:
            key = parse_pem_key(entry["pubkey_pem"].encode())
            yield Case(file, "zxl", value(entry["address"]), partial(zxl_address, key))


def _node_id_of(pem: bytes) -> str:
    return node_id(_key_of(pem))


def _key_of(pem: bytes) -> PublicKey:
    return parse_pem_key(pem) if b"PUBLIC KEY" in pem else parse_pem_certificate(pem).key


def _sample_network(files: Files) -> Iterator[Case]:
    roots = {each.name.split("/")[1]: each.bytes() for each in files.matching("sample_network_*/certs/ca/*/ca.crt")}
    for file in files.matching("sample_network_*/certs/*.crt"):
        if file.name.endswith("/ca.crt"):
            yield Case(file, "root", ACCEPT, partial(_chained, file.bytes(), file.bytes()))
            continue
        root = roots[file.name.split("/")[1]]
        yield Case(file, "leads to its root", ACCEPT, partial(_chained, file.bytes(), root))
        if file.name.endswith(".sign.crt"):
            role = file.name.split("/")[-1].split(".")[0].rstrip("0123456789").upper()
            organisation = f"{file.name.split('/')[1]}.chainmaker.org"
            verify = partial(_member, file.bytes(), root, organisation)
            yield Case(file, "role", value((organisation, role)), verify)
    for file in files.matching("sample_network_*/consensus1.nodeid"):
        certificate = files.one(file.name.replace(".nodeid", ".tls.crt"))
        assert certificate is not None, "a node id comes with its certificate"
        yield Case(file, "node id", value(file.text().strip()), partial(_node_id_of, certificate.bytes()))
    for file in files.matching("sample_network_*/wx-org1/chainconfig/bc1.yml"):
        for entry in yaml.safe_load(file.text())["consensus"]["nodes"]:
            organisation = entry["org_id"].split(".")[0]
            path = f"{file.name.split('/')[0]}/{organisation}/certs/node/consensus1/consensus1.tls.crt"
            certificate = files.one(path)
            assert certificate is not None, "a node of the configuration has a certificate"
            yield Case(file, organisation, value(entry["node_id"]), partial(_node_ids_of, certificate.bytes()))


def _node_ids_of(pem: bytes) -> list[str]:
    return [_node_id_of(pem)]


def _chained(member: bytes, root: bytes) -> None:
    certificate, authority = parse_pem_certificate(member), parse_pem_certificate(root)
    verify_chain(certificate, roots=[authority], pool=[authority], at=certificate.not_before + 1)


def _member(pem: bytes, root: bytes, organisation: str) -> tuple[str, str]:
    config = _config(rules.WITH_CERTIFICATES, "SHA256", {}, roots=(TrustRoot(organisation, (root.decode(),)),))
    member = decode_vote(
        form.encode(
            form.VOTE, {"endorsement": {"signer": {"org_id": organisation, "member_info": pem}, "signature": b""}}
        )
    ).endorsement.signer
    found: Identity = identify(member, config, at=parse_pem_certificate(pem).not_before + 1, certificates={})
    return found.org_id, found.role


# --- trees and SM2


def _trees(files: Files) -> Iterator[Case]:
    for file in files.named("merkle_synthetic_sha256.json"):
        for entry in file.json():
            count, root = entry["n"], bytes.fromhex(entry["root"])
            leaves = [hashlib.sha256(f"leaf{number}".encode()).digest() for number in range(count)]
            yield Case(file, f"root of {count}", value(root), partial(compute_root, leaves, sha256))
            proofs = entry["proofs"]  # of every leaf, or of some, by their index
            of_leaf = proofs.items() if isinstance(proofs, dict) else enumerate(proofs)
            for index, proof in ((int(each), proof) for each, proof in of_leaf):
                path = [bytes.fromhex(each) for each in proof]
                verify = partial(verify_path, leaves[index], path, index=index, count=count, root=root, digest=sha256)
                yield Case(file, f"path {index} of {count}", ACCEPT, verify)


def _sm2(files: Files) -> Iterator[Case]:
    root = files.one("sm2/ca.cnbn-gateway-2.crt")
    for name in ("sm2/ca.cnbn-gateway-2.crt", "sm2/client.tls.cnbn-gateway-2.crt"):
        for file in files.named(name):
            assert root is not None, "the client comes with its root"
            yield Case(file, "leads to the root", ACCEPT, partial(_chained, file.bytes(), root.bytes()))
    for file in files.named("sm2/golden.json"):
        json = file.json()
        golden = json["sm2_verify"]
        yield Case(
            file,
            "signature",
            ACCEPT,
            partial(
                _verify_sm2,
                golden["msg_utf8"].encode(),
                bytes.fromhex(golden["sig_hex"]),
                golden["pubkey_pem"].encode(),
                golden["uid"].encode(),
            ),
        )
        for name, digest in json["hash_of_ascii_js"].items():
            yield Case(file, name, value(bytes.fromhex(digest)), partial(algorithm(name), b"js"))


def _verify_sm2(message: bytes, signature: bytes, key: bytes, user_id: bytes) -> None:
    sm2.verify(message, decode_signature(signature), public_key=parse_pem_key(key).point, user_id=user_id)
