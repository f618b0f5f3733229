// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// Identifiers as text.
library Text {
    bytes16 private constant HEX = "0123456789abcdef";

    /// 0x and 40 lower-case hex digits: the port of an application that has no other name.
    function ofAddress(address value) internal pure returns (string memory) {
        bytes memory text = new bytes(42);
        text[0] = "0";
        text[1] = "x";
        uint160 rest = uint160(value);
        for (uint256 i = 41; i > 1; --i) {
            text[i] = HEX[rest & 0xf];
            rest >>= 4;
        }
        return string(text);
    }

    function ofNumber(uint256 value) internal pure returns (string memory) {
        uint256 digits = 1;
        for (uint256 rest = value / 10; rest != 0; rest /= 10) ++digits;
        bytes memory text = new bytes(digits);
        for (uint256 i = digits; i > 0; --i) {
            text[i - 1] = bytes1(uint8(48 + value % 10));
            value /= 10;
        }
        return string(text);
    }

    function equal(string memory a, string memory b) internal pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }

    function startsWith(string memory text, string memory prefix) internal pure returns (bool) {
        bytes memory a = bytes(text);
        bytes memory b = bytes(prefix);
        if (a.length < b.length) return false;
        for (uint256 i = 0; i < b.length; ++i) {
            if (a[i] != b[i]) return false;
        }
        return true;
    }

    /// ICS-24: `{string}-{number}`, 8 to 64 characters, or counterparties on other hosts cannot be registered for it.
    function isClientId(string memory id) internal pure returns (bool) {
        bytes memory text = bytes(id);
        if (text.length < 8 || text.length > 64) return false;
        uint256 i = text.length;
        while (i > 0 && text[i - 1] >= "0" && text[i - 1] <= "9") --i;
        if (i == text.length || i < 2 || text[i - 1] != "-") return false;
        for (uint256 k = 0; k < i; ++k) {
            bytes1 c = text[k];
            bool permitted = (c >= "a" && c <= "z") || (c >= "A" && c <= "Z") || (c >= "0" && c <= "9") || c == "-"
                || c == "_" || c == "." || c == "+" || c == "#" || c == "[" || c == "]" || c == "<" || c == ">";
            if (!permitted) return false;
        }
        return true;
    }

    /// ICS-24: 2 to 128 characters; an address is not a chosen name.
    function isPort(string memory port) internal pure returns (bool) {
        bytes memory text = bytes(port);
        return text.length >= 2 && text.length <= 128 && !(text.length == 42 && startsWith(port, "0x"));
    }
}
