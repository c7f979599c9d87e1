"""What a software TPM was asked, read from its log: the oracle for secrets and for their order."""

import re

UNSEAL, EXTEND = 0x15E, 0x182
BLOCK = re.compile(r"SWTPM_IO_(Read|Write): length \d+\n((?: [0-9A-F ]+\n)+)")


def commands(text):
    """Yields (code, bytes of the command, return code) of each command that was answered."""
    asked = None
    for kind, lines in BLOCK.findall(text):
        data = bytes.fromhex("".join(lines.split()))
        if len(data) < 10:
            continue
        if kind == "Read":
            asked = data
        elif asked:
            yield (int.from_bytes(asked[6:10], "big"), asked, int.from_bytes(data[6:10], "big"))
            asked = None


def events(text):
    """The unseals that succeeded and the PCRs that were extended, in order: "unseal", 11, 15 …"""
    found = []
    for code, asked, result in commands(text):
        if result:
            continue
        if code == UNSEAL:
            found.append("unseal")
        elif code == EXTEND:
            found.append(int.from_bytes(asked[10:14], "big"))
    return found


def wrong_order(found, unseals, booted):
    """None if the events of a whole boot stand in the order of invariants I3 to I5."""
    if found.count("unseal") != unseals:
        return f"{found.count('unseal')} unseals, not {unseals}"
    if not unseals:
        return None
    first, last = found.index("unseal"), len(found) - found[::-1].index("unseal")
    if 11 not in found[:first]:
        return "PCR 11 was not extended before the unseal"
    if 15 in found[:last]:
        return "PCR 15 was extended before the last unseal"
    if 11 not in found[last:]:
        return "PCR 11 was not extended after the unseal"
    if booted and found[last:].index(11) < unseals:
        return "PCR 11 was extended before all keys were"
    if found[last:].count(15) < (unseals if booted else 1):
        return "PCR 15 was not extended after the unseal for each volume"
    return None
