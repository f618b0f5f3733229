// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import { Commitments } from "./Commitments.sol";
import { Packet } from "./Messages.sol";
import { IBCPacketCommitmentMismatch, IBCPacketReceiptMismatch } from "./Refusals.sol";

/// What counterparties prove: commitments, receipts and acknowledgements by the hash of their path, and send counters.
abstract contract Store {
    /// @custom:storage-location erc7201:ibc.storage.IBCStore
    struct Provable {
        mapping(bytes32 hashedPath => bytes32) commitments;
        mapping(string clientId => uint64) prevSequenceSends;
    }

    /// The slot is wire format: state proofs of this host are made against it.
    bytes32 private constant SLOT = 0x1260944489272988d9df285149b5aa1b0f48f2136d6f416159f840a3e0747600;

    function getCommitment(bytes32 hashedPath) external view returns (bytes32) {
        return _provable().commitments[hashedPath];
    }

    /// The next sequence of a client, counted from 1.
    function _takeSequence(string memory clientId) internal returns (uint64) {
        return ++_provable().prevSequenceSends[clientId];
    }

    function _commitPacket(Packet memory packet) internal {
        _provable().commitments[keccak256(Commitments.packetPath(packet.sourceClient, packet.sequence))] =
            Commitments.ofPacket(packet);
    }

    /// False where there is nothing to delete: it ended before, or was never sent.
    function _deletePacket(Packet memory packet) internal returns (bool) {
        bytes32 path = keccak256(Commitments.packetPath(packet.sourceClient, packet.sequence));
        bytes32 stored = _provable().commitments[path];
        if (stored == 0) return false;
        bytes32 given = Commitments.ofPacket(packet);
        require(stored == given, IBCPacketCommitmentMismatch(stored, given));
        delete _provable().commitments[path];
        return true;
    }

    /// False where this very packet was received before.
    function _setReceipt(Packet memory packet) internal returns (bool) {
        bytes32 path = keccak256(Commitments.receiptPath(packet.destClient, packet.sequence));
        bytes32 stored = _provable().commitments[path];
        bytes32 given = Commitments.ofReceipt(packet);
        if (stored == 0) {
            _provable().commitments[path] = given;
            return true;
        }
        require(stored == given, IBCPacketReceiptMismatch(stored, given));
        return false;
    }

    function _commitAcknowledgement(Packet memory packet, bytes memory acknowledgement) internal {
        _provable().commitments[keccak256(Commitments.acknowledgementPath(packet.destClient, packet.sequence))] =
            Commitments.ofAcknowledgement(acknowledgement);
    }

    function _provable() private pure returns (Provable storage $) {
        bytes32 slot = SLOT;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
