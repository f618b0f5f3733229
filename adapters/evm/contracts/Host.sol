// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import { Access } from "./Access.sol";
import { Clients } from "./Clients.sol";
import { Commitments } from "./Commitments.sol";
import { IIBCApp, IPacketSender } from "./Interfaces.sol";
import {
    CounterpartyInfo,
    Height,
    MsgAckPacket,
    MsgRecvPacket,
    MsgSendPacket,
    MsgTimeoutPacket,
    MsgVerifyMembership,
    MsgVerifyNonMembership,
    OnAcknowledgementPacketCallback,
    OnRecvPacketCallback,
    OnTimeoutPacketCallback,
    Packet,
    Payload
} from "./Messages.sol";
import {
    FailedCall,
    IBCAppNotFound,
    IBCAsyncAcknowledgementNotSupported,
    IBCErrorUniversalAcknowledgement,
    IBCFailedCallback,
    IBCInvalidCounterparty,
    IBCInvalidPortIdentifier,
    IBCInvalidTimeoutDuration,
    IBCInvalidTimeoutTimestamp,
    IBCMultiPayloadPacketNotSupported,
    IBCPortAlreadyExists,
    IBCUnauthorizedSender
} from "./Refusals.sol";
import { Store } from "./Store.sol";
import { Text } from "./Text.sol";

/// An IBC v2 host. A packet is received at most once and ends either acknowledged or timed out. Anybody may relay:
/// what counts is the proof.
contract Host is Clients, Store, IPacketSender {
    uint256 public constant MAX_TIMEOUT_DURATION = 1 days;

    mapping(string portId => IIBCApp) private _apps;

    event SendPacket(string indexed clientId, uint256 indexed sequence, Packet packet);
    event WriteAcknowledgement(
        string indexed clientId, uint256 indexed sequence, Packet packet, bytes[] acknowledgements
    );
    event AckPacket(string indexed clientId, uint256 indexed sequence, Packet packet, bytes acknowledgement);
    event TimeoutPacket(string indexed clientId, uint256 indexed sequence, Packet packet);
    event IBCAppAdded(string portId, address app);
    event IBCAppRecvPacketCallbackError(bytes reason);
    event Noop();

    constructor(address initialOwner) Access(initialOwner) { }

    // --- applications

    /// Under its own address as port: anybody may add an application there.
    function addIBCApp(address app) external {
        _addApp(Text.ofAddress(app), app);
    }

    function addIBCApp(string calldata portId, address app) external onlyOwner {
        require(Text.isPort(portId), IBCInvalidPortIdentifier(portId));
        _addApp(portId, app);
    }

    function getIBCApp(string memory portId) public view returns (IIBCApp) {
        IIBCApp app = _apps[portId];
        require(address(app) != address(0), IBCAppNotFound(portId));
        return app;
    }

    // --- packets

    function sendPacket(MsgSendPacket calldata message) external nonReentrant returns (uint64 sequence) {
        require(address(getIBCApp(message.payload.sourcePort)) == msg.sender, IBCUnauthorizedSender(msg.sender));
        string memory destClient = getCounterparty(message.sourceClient).clientId;
        _requireOpen(message.timeoutTimestamp);
        uint256 duration = message.timeoutTimestamp - block.timestamp;
        require(duration <= MAX_TIMEOUT_DURATION, IBCInvalidTimeoutDuration(MAX_TIMEOUT_DURATION, duration));

        sequence = _takeSequence(message.sourceClient);
        Payload[] memory payloads = new Payload[](1);
        payloads[0] = message.payload;
        Packet memory packet = Packet({
            sequence: sequence,
            sourceClient: message.sourceClient,
            destClient: destClient,
            timeoutTimestamp: message.timeoutTimestamp,
            payloads: payloads
        });
        _commitPacket(packet);
        emit SendPacket(message.sourceClient, sequence, packet);
    }

    function recvPacket(MsgRecvPacket calldata message) external nonReentrant {
        Packet memory packet = message.packet;
        _requireOnePayload(packet);
        CounterpartyInfo memory counterparty = getCounterparty(packet.destClient);
        _requireCounterparty(counterparty, packet.sourceClient);
        _requireOpen(packet.timeoutTimestamp);
        _verifyMembership(
            packet.destClient,
            message.proofCommitment,
            message.proofHeight,
            _prefixed(counterparty, Commitments.packetPath(packet.sourceClient, packet.sequence)),
            Commitments.ofPacket(packet)
        );
        if (!_setReceipt(packet)) {
            emit Noop();
            return;
        }
        bytes[] memory acknowledgements = new bytes[](1);
        acknowledgements[0] = _deliver(packet);
        _commitAcknowledgement(packet, acknowledgements[0]);
        emit WriteAcknowledgement(packet.destClient, packet.sequence, packet, acknowledgements);
    }

    function ackPacket(MsgAckPacket calldata message) external nonReentrant {
        Packet memory packet = message.packet;
        _requireOnePayload(packet);
        CounterpartyInfo memory counterparty = getCounterparty(packet.sourceClient);
        _requireCounterparty(counterparty, packet.destClient);
        _verifyMembership(
            packet.sourceClient,
            message.proofAcked,
            message.proofHeight,
            _prefixed(counterparty, Commitments.acknowledgementPath(packet.destClient, packet.sequence)),
            Commitments.ofAcknowledgement(message.acknowledgement)
        );
        if (!_deletePacket(packet)) {
            emit Noop();
            return;
        }
        getIBCApp(packet.payloads[0].sourcePort).onAcknowledgementPacket(
            OnAcknowledgementPacketCallback({
                sourceClient: packet.sourceClient,
                destinationClient: packet.destClient,
                sequence: packet.sequence,
                payload: packet.payloads[0],
                acknowledgement: message.acknowledgement,
                relayer: msg.sender
            })
        );
        emit AckPacket(packet.sourceClient, packet.sequence, packet, message.acknowledgement);
    }

    function timeoutPacket(MsgTimeoutPacket calldata message) external nonReentrant {
        Packet memory packet = message.packet;
        _requireOnePayload(packet);
        CounterpartyInfo memory counterparty = getCounterparty(packet.sourceClient);
        _requireCounterparty(counterparty, packet.destClient);
        uint256 provenTime = getClient(packet.sourceClient).verifyNonMembership(
            MsgVerifyNonMembership({
                proof: message.proofTimeout,
                proofHeight: message.proofHeight,
                path: _prefixed(counterparty, Commitments.receiptPath(packet.destClient, packet.sequence))
            })
        );
        require(
            provenTime >= packet.timeoutTimestamp, IBCInvalidTimeoutTimestamp(packet.timeoutTimestamp, provenTime)
        );
        if (!_deletePacket(packet)) {
            emit Noop();
            return;
        }
        getIBCApp(packet.payloads[0].sourcePort).onTimeoutPacket(
            OnTimeoutPacketCallback({
                sourceClient: packet.sourceClient,
                destinationClient: packet.destClient,
                sequence: packet.sequence,
                payload: packet.payloads[0],
                relayer: msg.sender
            })
        );
        emit TimeoutPacket(packet.sourceClient, packet.sequence, packet);
    }

    /// All or nothing, in order, each as if the caller had called it.
    function multicall(bytes[] calldata data) external returns (bytes[] memory results) {
        results = new bytes[](data.length);
        for (uint256 i = 0; i < data.length; ++i) {
            (bool success, bytes memory returned) = address(this).delegatecall(data[i]);
            if (!success) {
                require(returned.length != 0, FailedCall());
                assembly ("memory-safe") {
                    revert(add(returned, 0x20), mload(returned))
                }
            }
            results[i] = returned;
        }
    }

    // --- parts

    /// An application that fails with a reason has refused the packet for ever: the sender learns it by the error
    /// acknowledgement. One that fails without a reason may have lacked gas: then nothing happened at all.
    function _deliver(Packet memory packet) private returns (bytes memory) {
        IIBCApp app = getIBCApp(packet.payloads[0].destPort);
        try app.onRecvPacket(
            OnRecvPacketCallback({
                sourceClient: packet.sourceClient,
                destinationClient: packet.destClient,
                sequence: packet.sequence,
                payload: packet.payloads[0],
                relayer: msg.sender
            })
        ) returns (bytes memory acknowledgement) {
            require(acknowledgement.length != 0, IBCAsyncAcknowledgementNotSupported());
            bool isError = keccak256(acknowledgement) == keccak256(abi.encodePacked(Commitments.UNIVERSAL_ERROR_ACK));
            require(!isError, IBCErrorUniversalAcknowledgement());
            return acknowledgement;
        } catch (bytes memory reason) {
            require(reason.length != 0, IBCFailedCallback());
            emit IBCAppRecvPacketCallbackError(reason);
            return abi.encodePacked(Commitments.UNIVERSAL_ERROR_ACK);
        }
    }

    function _verifyMembership(
        string memory clientId,
        bytes calldata proof,
        Height calldata proofHeight,
        bytes[] memory path,
        bytes32 value
    ) private {
        getClient(clientId).verifyMembership(
            MsgVerifyMembership({
                proof: proof,
                proofHeight: proofHeight,
                path: path,
                value: abi.encodePacked(value)
            })
        );
    }

    /// The last element of the prefix and the path are one key.
    function _prefixed(CounterpartyInfo memory counterparty, bytes memory path)
        private
        pure
        returns (bytes[] memory prefixed)
    {
        prefixed = counterparty.merklePrefix;
        uint256 last = prefixed.length - 1;
        prefixed[last] = abi.encodePacked(prefixed[last], path);
    }

    function _requireOnePayload(Packet memory packet) private pure {
        require(packet.payloads.length == 1, IBCMultiPayloadPacketNotSupported());
    }

    function _requireCounterparty(CounterpartyInfo memory counterparty, string memory named) private pure {
        require(Text.equal(counterparty.clientId, named), IBCInvalidCounterparty(counterparty.clientId, named));
    }

    function _requireOpen(uint64 timeoutTimestamp) private view {
        require(timeoutTimestamp > block.timestamp, IBCInvalidTimeoutTimestamp(timeoutTimestamp, block.timestamp));
    }

    function _addApp(string memory portId, address app) private {
        require(address(_apps[portId]) == address(0), IBCPortAlreadyExists(portId));
        require(app.code.length != 0, IBCAppNotFound(portId));
        _apps[portId] = IIBCApp(app);
        emit IBCAppAdded(portId, app);
    }

    function _isRestricted(bytes4 selector) internal pure override returns (bool) {
        return super._isRestricted(selector) || selector == bytes4(keccak256("addIBCApp(string,address)"));
    }
}
