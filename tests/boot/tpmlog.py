"""What a software TPM was asked, read from its log: what order.py judges."""

import hashlib
import re

UNSEAL, EXTEND, STARTUP, CAP_PCRS = 0x15E, 0x182, 0x144, 0x17A
BLOCK = re.compile(r"SWTPM_IO_(Read|Write): length \d+\n((?: [0-9A-F ]+\n)+)")


def commands(text):
    """Yields (code, bytes of the command, bytes of the answer) of each command that was answered."""
    asked = None
    for kind, lines in BLOCK.findall(text):
        data = bytes.fromhex("".join(lines.split()))
        if len(data) < 10:
            continue
        if kind == "Read":
            asked = data
        elif asked:
            yield int.from_bytes(asked[6:10], "big"), asked, data
            asked = None


def extended(asked):
    """A TPM2_PCR_Extend (TPM 2.0 part 3, 22.2): its PCR, and the digest of each bank."""
    at = 18 + int.from_bytes(asked[14:18], "big")
    digests, count = {}, int.from_bytes(asked[at:at + 4], "big")
    at += 4
    for _ in range(count):
        bank = int.from_bytes(asked[at:at + 2], "big")
        size = {0x004: 20, 0x00B: 32, 0x00C: 48, 0x00D: 64}[bank]
        digests[bank] = asked[at + 2:at + 2 + size]
        at += 2 + size
    return int.from_bytes(asked[10:14], "big"), digests


def value_of(text, pcr):
    """What a PCR's bank of SHA-256 held at the end of the log."""
    value = bytes(32)
    for code, asked, answered in commands(text):
        if int.from_bytes(answered[6:10], "big"):
            continue
        if code == STARTUP:
            value = bytes(32)
        elif code == EXTEND and extended(asked)[0] == pcr:
            value = hashlib.sha256(value + extended(asked)[1][0x00B]).digest()
    return value


def banks_of_capability(asked, answered):
    """The banks that a TPM2_GetCapability of the PCRs says to be in use; of others none."""
    if int.from_bytes(asked[10:14], "big") != 5:
        return set()
    at, banks = 19, set()
    for _ in range(int.from_bytes(answered[15:19], "big")):
        size = answered[at + 2]
        if any(answered[at + 3:at + 3 + size]):
            banks.add(int.from_bytes(answered[at:at + 2], "big"))
        at += 3 + size
    return banks
