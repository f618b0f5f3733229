"""Reverts by name: selectors are those of the errors they stand for, and mean what a relay does about them."""

from __future__ import annotations

import pytest

from adapters.contract.errors import NotPermitted, RefusedForEver, RefusedForNow
from adapters.contract.messages import Acknowledge, HostMessage, Receive, Rule, Timeout, UpdateClient
from adapters.evm.refusals import MEANINGS, refusal_of
from proofs.commitment import ClientId, Packet
from proofs.encoding import abi
from proofs.light_client import Height

PACKET = Packet(1, ClientId("a-0"), ClientId("b-0"), 5, ())
AT = Height(0, 1)
RECEIVE, TIMEOUT = Receive(PACKET, b"", AT), Timeout(PACKET, b"", AT)
ACKNOWLEDGE = Acknowledge(PACKET, (b"\x01",), b"", AT)

SIGNATURES = (
    "IBCInvalidCounterparty(string,string)",
    "IBCCounterpartyClientNotFound(string)",
    "IBCClientNotFound(string)",
    "IBCAppNotFound(string)",
    "IBCFailedCallback()",
    "IBCAsyncAcknowledgementNotSupported()",
    "IBCErrorUniversalAcknowledgement()",
    "IBCMultiPayloadPacketNotSupported()",
    "IBCPacketReceiptMismatch(bytes32,bytes32)",
    "IBCPacketCommitmentMismatch(bytes32,bytes32)",
    "ConsensusTimestampNotFound(uint64)",
    "FrozenClientState()",
    "ECDSAInvalidSignature()",
    "ECDSAInvalidSignatureS(bytes32)",
    "NotNonMember()",
    "FeatureNotSupported()",
    "AccessManagedUnauthorized(address)",
    "AccessManagedRequiredDelay(address,uint32)",
    "AccessControlUnauthorizedAccount(address,bytes32)",
    "IBCInvalidTimeoutDuration(uint256,uint256)",
    "IBCUnauthorizedSender(address)",
    "ReentrancyGuardReentrantCall()",
    "EnforcedPause()",
    "FailedCall()",
)


@pytest.mark.parametrize("signature", SIGNATURES)
def test_selectors_belong_to_their_errors(signature: str) -> None:
    assert MEANINGS[abi.selector(signature)].name == signature.partition("(")[0]


def rule_of(reverted: bytes, message: HostMessage | None, **more: bool) -> tuple[type, str]:
    refusal = refusal_of(reverted, message=message, account="0x1", **more)
    assert isinstance(refusal, RefusedForEver | RefusedForNow)
    return type(refusal), refusal.rule


def test_a_wrong_time_means_opposite_things_to_a_receive_and_a_timeout() -> None:
    reverted = abi.encode_call("IBCInvalidTimeoutTimestamp(uint256,uint256)", (5, 9))
    assert rule_of(reverted, RECEIVE) == (RefusedForEver, Rule.EXPIRED)
    assert rule_of(reverted, TIMEOUT) == (RefusedForNow, Rule.NOT_YET_EXPIRED)
    refusal = refusal_of(reverted, message=RECEIVE, account="0x1")
    assert isinstance(refusal, RefusedForEver)
    assert refusal.detail == "IBCInvalidTimeoutTimestamp 5 9"


def test_what_the_host_does_not_name_is_the_app_s_own_word_in_callbacks_only() -> None:
    foreign = bytes.fromhex("deadbeef")
    assert rule_of(foreign, ACKNOWLEDGE) == (RefusedForNow, Rule.APP_REFUSES)
    assert rule_of(foreign, TIMEOUT) == (RefusedForNow, Rule.APP_REFUSES)
    assert rule_of(foreign, RECEIVE) == (RefusedForNow, Rule.UNKNOWN)
    assert rule_of(foreign, UpdateClient(ClientId("a-0"), b"")) == (RefusedForNow, Rule.UNKNOWN)


def test_an_empty_revert_is_explained_by_the_gas_that_was_used() -> None:
    assert rule_of(b"", RECEIVE, out_of_gas=True) == (RefusedForNow, Rule.TOO_LITTLE_GAS)
    assert rule_of(b"", RECEIVE) == (RefusedForNow, Rule.UNKNOWN)
    assert rule_of(b"\x01\x02", RECEIVE) == (RefusedForNow, Rule.UNKNOWN)


def test_missing_rights_name_the_role_and_who_lacks_it() -> None:
    relayer = abi.encode_call("AccessManagedUnauthorized(address)", (bytes(20),))
    refusal = refusal_of(relayer, message=RECEIVE, account="0x1")
    assert isinstance(refusal, NotPermitted)
    assert refusal.account == "0x1"
    host = b"\x11" * 20
    router = abi.encode_call("AccessControlUnauthorizedAccount(address,bytes32)", (host, b"\x22" * 32))
    refusal = refusal_of(router, message=RECEIVE, account="0x1")
    assert isinstance(refusal, NotPermitted)
    assert host.hex() in refusal.role
    assert (b"\x22" * 32).hex() in refusal.role
    delayed = abi.encode_call("AccessManagedRequiredDelay(address,uint32)", (host, 60))
    refusal = refusal_of(delayed, message=RECEIVE, account="0x1")
    assert isinstance(refusal, NotPermitted)
    assert "60 s" in refusal.role


def test_details_are_bounded() -> None:
    refusal = refusal_of(bytes.fromhex("deadbeef") + b"\xff" * 100_000, message=RECEIVE, account="0x1")
    assert len(str(refusal)) < 500
