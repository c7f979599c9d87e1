"""
What systemd-stub must have measured of what stands beside the UKI, computed from the files themselves: PCR
12 (credentials, confexts, words from SMBIOS) and 13 (sysexts). systemd's src/boot/stub.c and cpio.c: an
archive of each kind, names in order, no times; nobody else extends these two.
"""

import hashlib
import re

from tpmlog import EXTEND, STARTUP, commands, extended

SHA256 = 0x00B
# PCR, folder of /.extra, mode of that folder and of its files
ARCHIVES = ((12, "credentials", 0o500, 0o400), (12, "global_credentials", 0o500, 0o400),
            (13, "sysext", 0o555, 0o444), (13, "global_sysext", 0o555, 0o444),
            (12, "confext", 0o555, 0o444), (12, "global_confext", 0o555, 0o444))


def entry(inode, mode, name, data=b""):
    """One of a "newc" archive as the stub writes it, with its inode numbers and no times."""
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def archive(folder, folder_mode, mode, files):
    """`files`: {name: bytes}"""
    rows = [entry(1, 0o040555, ".extra"), entry(2, 0o040000 | folder_mode, f".extra/{folder}")]
    rows += [entry(inode, 0o100000 | mode, f".extra/{folder}/{name}", files[name])
             for inode, name in enumerate(sorted(files), 3)]
    last = entry(0, 0, "TRAILER!!!")
    return b"".join(rows) + last[:94] + b"0000000B" + last[102:]


def version(stub):
    """Of the stub, from the mark that it bears for the loader."""
    return int(re.search(rb"LoaderInfo: systemd-stub (\d+)", stub.read_bytes())[1])


def folder_of(extra, stub_version):
    """Where a stub puts a file of the ESP in /.extra; None where it takes no such file."""
    everywhere = "global_" if extra.folder.startswith("global_") else ""
    if extra.file.endswith(".cred"):
        return f"{everywhere}credentials"
    if everywhere and stub_version < 258:
        return None
    return everywhere + ("confext" if extra.file.endswith(".confext.raw") and stub_version > 252 else "sysext")


def expected(folders, words):
    """{12: digests in order, 13: …}; `folders`: {folder of /.extra: {name: bytes}}"""
    found = {12: [], 13: []}
    if words:
        found[12].append((words + "\0").encode("utf-16-le"))
    for pcr, folder, folder_mode, mode in ARCHIVES:
        if folders.get(folder):
            found[pcr].append(archive(folder, folder_mode, mode, folders[folder]))
    return {pcr: [hashlib.sha256(data).digest() for data in datas] for pcr, datas in found.items()}


def measured(text):
    """The same, as a TPM was told in its last boot, from its log."""
    found = {12: [], 13: []}
    for code, asked, answered in commands(text):
        if int.from_bytes(answered[6:10], "big"):
            continue
        if code == STARTUP:
            found = {12: [], 13: []}
        elif code == EXTEND:
            pcr, digests = extended(asked)
            if pcr in found and SHA256 in digests:
                found[pcr].append(digests[SHA256])
    return found


def wrong_stub(text, stub, companions, words):
    """None if PCR 12 and 13 were extended by just what was beside the UKI: (Extra, its file) pairs."""
    folders, number = {}, version(stub)
    for extra, file in companions:
        folder = folder_of(extra, number)
        if folder:
            folders.setdefault(folder, {})[extra.file] = file.read_bytes()
    want, have = expected(folders, words), measured(text)
    for pcr in want:
        if want[pcr] != have[pcr]:
            told = [[digest.hex()[:8] for digest in side[pcr]] for side in (want, have)]
            return f"PCR {pcr} should have been extended by {told[0]}, and was by {told[1]}"
    return None
