"""Rules that stand behind others: what the client refuses, or answers in another way, before they come to speak."""

from __future__ import annotations

import pytest

from proofs.errors import MalformedProof, UnsupportedProof, ValueMismatch
from proofs.fabric import predicates as rules
from proofs.fabric.block_messages import MetadataSignature
from proofs.fabric.hashing import header_hash
from proofs.fabric.host import DEFAULT_POLICY, HostLayout, PolicyChoice, check_layout
from proofs.fabric.types import KnownBlock
from tests.proofs.fabric.builders import CHAINCODE, Call, following, genesis

FIRST = genesis()
KNOWN = KnownBlock(FIRST.header, header_hash(FIRST.header))


def test_a_header_links_to_the_one_before_it() -> None:
    rules.check_links(following(FIRST, [Call().envelope()]).header, KNOWN)
    unlinked = following(FIRST, [Call().envelope()], skip=1).header
    with pytest.raises(ValueMismatch) as refused:
        rules.check_links(unlinked, KNOWN)
    assert (refused.value.part, refused.value.expected) == ("previous hash", KNOWN.header_hash)


def test_a_block_has_an_envelope() -> None:
    with pytest.raises(MalformedProof) as refused:
        rules.check_envelopes((), ())
    assert (refused.value.part, refused.value.got) == ("envelopes", 0)


@pytest.mark.parametrize("choice", (PolicyChoice(), PolicyChoice(b"policy", DEFAULT_POLICY)), ids=("none", "both"))
def test_a_policy_is_chosen_in_one_way(choice: PolicyChoice) -> None:
    for layout in (HostLayout(CHAINCODE, endorsement=choice), HostLayout(CHAINCODE, vouching=choice)):
        with pytest.raises(UnsupportedProof) as refused:
            check_layout(layout)
        assert (refused.value.part, refused.value.got) == ("policy", "none or both")


def test_a_signature_names_its_signer_in_one_way() -> None:
    creator, identifier = MetadataSignature(b"creator", b"s", b""), MetadataSignature(b"", b"s", b"identifier")
    for bft in (False, True):
        rules.check_signature_form(creator, bft=bft)
        for none_or_both in (MetadataSignature(b"", b"s", b""), MetadataSignature(b"creator", b"s", b"identifier")):
            with pytest.raises(MalformedProof) as refused:
                rules.check_signature_form(none_or_both, bft=bft)
            assert refused.value.part == "metadata signature"
    rules.check_signature_form(identifier, bft=True)
    with pytest.raises(UnsupportedProof) as unsupported:
        rules.check_signature_form(identifier, bft=False)
    assert unsupported.value.got == "a consenter's number"
