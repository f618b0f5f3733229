// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import { IIBCApp, IPacketSender } from "./Interfaces.sol";
import {
    MsgSendPacket,
    OnAcknowledgementPacketCallback,
    OnRecvPacketCallback,
    OnTimeoutPacketCallback,
    Payload
} from "./Messages.sol";
import { Text } from "./Text.sol";

/// Sends bytes to a mailbox on another ledger. Anybody may send; what arrives is an event.
contract Mailbox is IIBCApp {
    string public constant VERSION = "mailbox-1";
    string public constant ENCODING = "application/octet-stream";
    uint256 public constant MAX_VALUE_BYTES = 65_536;

    error OnlyHost(address caller);
    error ValueTooLong(uint256 length, uint256 limit);
    error InvalidLimit(uint256 limit, uint256 max);
    error UnknownVersion(string version);
    error UnknownEncoding(string encoding);

    event MessageSent(
        address indexed sender, string sourceClient, uint64 indexed sequence, string destPort, bytes value
    );
    event MessageDelivered(
        string sourceClient, string destClient, uint64 indexed sequence, string sourcePort, bytes value
    );
    event MessageAcknowledged(string sourceClient, uint64 indexed sequence, bytes acknowledgement);
    event MessageTimedOut(string sourceClient, uint64 indexed sequence);

    IPacketSender private _host;
    uint256 private _valueBytesLimit;

    /// Kept in storage, not in code: every mailbox has the same code hash.
    constructor(address hostAddress, uint256 limit) {
        require(limit != 0 && limit <= MAX_VALUE_BYTES, InvalidLimit(limit, MAX_VALUE_BYTES));
        _host = IPacketSender(hostAddress);
        _valueBytesLimit = limit;
    }

    modifier onlyHost() {
        require(msg.sender == address(_host), OnlyHost(msg.sender));
        _;
    }

    function host() external view returns (address) {
        return address(_host);
    }

    function valueBytesLimit() external view returns (uint256) {
        return _valueBytesLimit;
    }

    /// timeoutTimestamp: unix seconds, by the clock of the receiving ledger.
    function send(string calldata sourceClient, string calldata destPort, uint64 timeoutTimestamp, bytes calldata value)
        external
        returns (uint64 sequence)
    {
        _requireShort(value);
        sequence = _host.sendPacket(
            MsgSendPacket({
                sourceClient: sourceClient,
                timeoutTimestamp: timeoutTimestamp,
                payload: Payload({
                    sourcePort: Text.ofAddress(address(this)),
                    destPort: destPort,
                    version: VERSION,
                    encoding: ENCODING,
                    value: value
                })
            })
        );
        emit MessageSent(msg.sender, sourceClient, sequence, destPort, value);
    }

    function onRecvPacket(OnRecvPacketCallback calldata message) external onlyHost returns (bytes memory) {
        Payload calldata payload = message.payload;
        require(Text.equal(payload.version, VERSION), UnknownVersion(payload.version));
        require(Text.equal(payload.encoding, ENCODING), UnknownEncoding(payload.encoding));
        _requireShort(payload.value);
        emit MessageDelivered(
            message.sourceClient, message.destinationClient, message.sequence, payload.sourcePort, payload.value
        );
        return hex"01";
    }

    function onAcknowledgementPacket(OnAcknowledgementPacketCallback calldata message) external onlyHost {
        emit MessageAcknowledged(message.sourceClient, message.sequence, message.acknowledgement);
    }

    function onTimeoutPacket(OnTimeoutPacketCallback calldata message) external onlyHost {
        emit MessageTimedOut(message.sourceClient, message.sequence);
    }

    function _requireShort(bytes calldata value) private view {
        require(value.length <= _valueBytesLimit, ValueTooLong(value.length, _valueBytesLimit));
    }
}
