"""
The order of a boot (invariants I3 to I5), read from two logs that lintel does not write alone: what the
software TPM was asked, and the facts that the guest printed, in which the kernel's uevents stand.
"""

import hashlib

from tpmlog import CAP_PCRS, EXTEND, STARTUP, UNSEAL, banks_of_capability, commands, extended

WORDS = {hashlib.new(name, word.encode()).digest(): word
         for word in ("enter-initrd", "leave-initrd", "recovery")
         for name in ("sha1", "sha256", "sha384", "sha512")}


def boots(text):
    """
    One list of events for each start of the TPM, and the banks that it has: "unseal", "enter-initrd
    11", "recovery 15", or a number alone for other extends; and the banks of each extend.
    """
    found = []
    for code, asked, answered in commands(text):
        # a TPM that runs refuses to be started, which systemd and the kernel try all the same
        if int.from_bytes(answered[6:10], "big"):
            continue
        if code == STARTUP or not found:
            found.append(([], set()))
        events, banks = found[-1]
        if code == UNSEAL:
            events.append(("unseal", frozenset()))
        elif code == EXTEND:
            pcr, digests = extended(asked)
            word = WORDS.get(next(iter(digests.values()), b""), "")
            events.append((f"{word} {pcr}".strip(), frozenset(digests)))
        elif code == CAP_PCRS:
            banks |= banks_of_capability(asked, answered)
    return found


def wrong_cap(events, banks):
    """None if PCR 11 and 15 were capped in every bank, and nothing was unsealed from then on."""
    names = [name for name, _ in events]
    for pcr in (11, 15):
        word = f"recovery {pcr}"
        if word not in names:
            return f"PCR {pcr} was not capped"
        missing = banks - dict(events)[word]
        if missing:
            return f"PCR {pcr} was not capped in bank {min(missing):#x}"
    if "unseal" in names[names.index("recovery 11"):]:
        return "a secret was unsealed after the cap"
    return None


def wrong_banks(events, banks):
    """None if what was extended until the phase was left went into every bank."""
    for name, used in events:
        if name in ("enter-initrd 11", "15", "leave-initrd 11") and banks - used:
            return f"{name}: not into bank {min(banks - used):#x}"
        if name == "leave-initrd 11":
            break
    return None


def wrong_entry(names, host):
    """None if the phase was entered once, left once, and what was unsealed lies between, but for the host's."""
    for word in ("enter-initrd 11", "leave-initrd 11"):
        if names.count(word) != 1:
            return f"{word}: {names.count(word)} times"
    enter, leave = names.index("enter-initrd 11"), names.index("leave-initrd 11")
    if enter > leave:
        return "the phase was left before it was entered"
    unseals = [at for at, name in enumerate(names) if name == "unseal"]
    unseals, hosts = unseals[:len(unseals) - host], unseals[len(unseals) - host:]
    if hosts and hosts[0] < leave:
        return "the host's secret was unsealed in the initrd's phase"
    if unseals and not enter < unseals[0] <= unseals[-1] < leave:
        return "a secret was unsealed outside of the phase"
    volume = [at for at, name in enumerate(names) if name == "15" and at < leave]
    if unseals and volume and volume[0] < unseals[-1]:
        return "PCR 15 was extended before the last unseal"
    if len(volume) < len(unseals):
        return "PCR 15 was not extended for each volume between the unseals and leave-initrd"
    return None


def wrong_tpm(text, unseals, refused, host=0):
    """None if a whole log, of one boot or several, is as one that ended so must leave it; `host`: its own unseals."""
    found = boots(text)
    count = sum(name == "unseal" for events, _ in found for name, _ in events)
    if count != unseals + host:
        return f"{count} unseals, not {unseals + host}"
    if not found:
        return "it was never started"
    events, banks = found[-1]
    if refused:
        return wrong_cap(events, banks)
    return wrong_entry([name for name, _ in events], host) or wrong_banks(events, banks)


# --- the guest's own facts -------------------------------------------------------------------------

def facts_of(lines):
    """What the guest printed of /run/lintel: (rows of the plan, rows of the facts)."""
    rows, name = {"plan": [], "facts": []}, None
    for line in lines:
        if line.startswith("LINTEL-TEST-FILE "):
            name = line.rpartition("/")[2]
        elif line.startswith("LINTEL-TEST-FILE-END"):
            name = None
        elif name in rows:
            rows[name].append(line.split())
    return rows["plan"], rows["facts"]


def times_of(rows):
    """When each step began and ended, and when the kernel told of the first mapped device."""
    start, end, devices = {}, {}, []
    for row in rows:
        if len(row) < 4 or not row[0].isdigit():
            continue
        if row[2] == "start":
            start[row[3]] = int(row[0])
        elif row[2] == "result":
            end[row[3]] = int(row[0])
        elif row[1:3] == ["uevent", "block"] and row[3].startswith("dm-"):
            devices.append(int(row[0]))
    return start, end, min(devices, default=None)


def sets_of(plan):
    """What each verity step is over: data and hash partition."""
    return {row[1]: row[3].split("+") for row in plan if row[2:3] == ["verity"] and row[3:4] and "+" in row[3]}


def wrong_steps(lines):
    """None if the steps' times are in order: keys, PCR 15, mappings, mounts, then the phase's end."""
    plan, rows = facts_of(lines)
    if not rows:
        return None
    start, end, device = times_of(rows)
    verbs = {row[1]: row[2] for row in plan if len(row) > 2 and row[1] in start}
    volumes = [step for step in verbs if step.startswith("vk-")]
    # a spare volume's key that was not found is neither measured nor used
    lost = {row[1] for row in plan if row[0] == "failed" and row[1].startswith("key:")}
    keys = [step for step in verbs if verbs[step] == "unlock" and step not in lost]
    if "end" not in start:
        return "the facts have no hand-over"
    if keys and not (volumes and "m1" in end and "m2" in end):
        return "a volume was opened, and not all was measured"
    # another mapped device may be there first: verity has devices without a key, but over a volume it waits
    layers = {name: f"open-{what}" for name, (what, _) in sets_of(plan).items() if f"open-{what}" in verbs}
    keyless = [name for name in verbs if verbs[name] == "verity" and name not in layers]
    if volumes and not keyless and (
            device is None or any(end.get(step, device + 1) > device for step in volumes)):
        return "a mapped device was there before PCR 15 was extended"
    pairs = [("m1", key) for key in keys] + [(key, f"vk-{key[4:]}") for key in keys]
    pairs += [(f"vk-{name[5:]}", name) for name in verbs if name.startswith("open-")]
    pairs += [(below, name) for name, below in layers.items() if name in verbs]
    for mount in (name for name in verbs if name.startswith("mnt-")):
        pairs += [(name, mount) for name in (mount[4:], f"open-{mount[4:]}") if name in verbs]
    pairs += [("m2", "end")] if "m2" in start else []
    pairs += [(step, last) for last in ("m2", "end") if last in start for step in verbs
              if verbs[step] in ("unlock", "verity", "activate", "mount", "extend", "measure")
              and step not in ("m2", "end")]
    for early, late in pairs:
        if late not in start:
            return f"{late} was left out"
        if end.get(early, start[late] + 1) > start[late]:
            return f"{late} began before {early} had ended"
    return None
