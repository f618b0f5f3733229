// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import { Packet, Payload } from "./Messages.sol";

/// Paths and commitments of IBC v2 (ICS-24 v2). Every preimage is of fixed length: nothing moves between fields.
library Commitments {
    bytes32 internal constant UNIVERSAL_ERROR_ACK = sha256("UNIVERSAL_ERROR_ACKNOWLEDGEMENT");

    function packetPath(string memory sourceClient, uint64 sequence) internal pure returns (bytes memory) {
        return abi.encodePacked(sourceClient, uint8(1), sequence);
    }

    function receiptPath(string memory destClient, uint64 sequence) internal pure returns (bytes memory) {
        return abi.encodePacked(destClient, uint8(2), sequence);
    }

    function acknowledgementPath(string memory destClient, uint64 sequence) internal pure returns (bytes memory) {
        return abi.encodePacked(destClient, uint8(3), sequence);
    }

    function ofPacket(Packet memory packet) internal pure returns (bytes32) {
        bytes memory payloads;
        for (uint256 i = 0; i < packet.payloads.length; ++i) {
            payloads = abi.encodePacked(payloads, ofPayload(packet.payloads[i]));
        }
        return sha256(
            abi.encodePacked(
                uint8(2),
                sha256(bytes(packet.destClient)),
                sha256(abi.encodePacked(packet.timeoutTimestamp)),
                sha256(payloads)
            )
        );
    }

    function ofPayload(Payload memory payload) internal pure returns (bytes32) {
        return sha256(
            abi.encodePacked(
                sha256(bytes(payload.sourcePort)),
                sha256(bytes(payload.destPort)),
                sha256(bytes(payload.version)),
                sha256(bytes(payload.encoding)),
                sha256(payload.value)
            )
        );
    }

    /// One acknowledgement: this host takes packets of one payload only.
    function ofAcknowledgement(bytes memory acknowledgement) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(uint8(2), sha256(acknowledgement)));
    }

    /// What is stored as a receipt. It names the whole packet, so that a second one under its name is noticed.
    function ofReceipt(Packet memory packet) internal pure returns (bytes32) {
        return keccak256(abi.encode(packet));
    }
}
