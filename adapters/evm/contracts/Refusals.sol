// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// Every refusal of the host. Names and arguments are an interface: relays tell refusals apart by their selectors.

error IBCInvalidTimeoutTimestamp(uint256 timeoutTimestamp, uint256 comparedTimestamp);
error IBCInvalidTimeoutDuration(uint256 maxTimeoutDuration, uint256 actualTimeoutDuration);
error IBCInvalidCounterparty(string expected, string actual);
error IBCCounterpartyClientNotFound(string counterpartyClientId);
error IBCClientNotFound(string clientId);
error IBCClientAlreadyExists(string clientId);
error IBCInvalidClientId(string clientId);
error IBCAppNotFound(string portId);
error IBCPortAlreadyExists(string portId);
error IBCInvalidPortIdentifier(string portId);
error IBCUnauthorizedSender(address caller);
error IBCMultiPayloadPacketNotSupported();
error IBCFailedCallback();
error IBCAsyncAcknowledgementNotSupported();
error IBCErrorUniversalAcknowledgement();
error IBCPacketReceiptMismatch(bytes32 expected, bytes32 actual);
error IBCPacketCommitmentMismatch(bytes32 expected, bytes32 actual);
error InvalidMerklePrefix(bytes[] prefix);
error AccessManagedUnauthorized(address caller);
error ReentrancyGuardReentrantCall();
error FailedCall();
