// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// What crosses the boundaries between host, applications and light clients. Field orders are wire format.

struct Payload {
    string sourcePort;
    string destPort;
    string version;
    string encoding;
    bytes value;
}

struct Packet {
    uint64 sequence;
    string sourceClient;
    string destClient;
    uint64 timeoutTimestamp; // unix seconds
    Payload[] payloads;
}

struct Height {
    uint64 revisionNumber;
    uint64 revisionHeight;
}

struct CounterpartyInfo {
    string clientId;
    bytes[] merklePrefix;
}

// --- said to the host

struct MsgSendPacket {
    string sourceClient;
    uint64 timeoutTimestamp;
    Payload payload;
}

struct MsgRecvPacket {
    Packet packet;
    bytes proofCommitment;
    Height proofHeight;
}

struct MsgAckPacket {
    Packet packet;
    bytes acknowledgement;
    bytes proofAcked;
    Height proofHeight;
}

struct MsgTimeoutPacket {
    Packet packet;
    bytes proofTimeout;
    Height proofHeight;
}

// --- said to a light client

struct MsgVerifyMembership {
    bytes proof;
    Height proofHeight;
    bytes[] path;
    bytes value;
}

struct MsgVerifyNonMembership {
    bytes proof;
    Height proofHeight;
    bytes[] path;
}

// --- said to an application

struct OnRecvPacketCallback {
    string sourceClient;
    string destinationClient;
    uint64 sequence;
    Payload payload;
    address relayer;
}

struct OnAcknowledgementPacketCallback {
    string sourceClient;
    string destinationClient;
    uint64 sequence;
    Payload payload;
    bytes acknowledgement;
    address relayer;
}

struct OnTimeoutPacketCallback {
    string sourceClient;
    string destinationClient;
    uint64 sequence;
    Payload payload;
    address relayer;
}
