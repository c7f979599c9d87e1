"""A LUKS2 root bound to a policy of systemd-pcrlock, and that policy for a UKI: all by systemd's own tools."""

import hashlib
import json
import shutil
import socket
import struct
import tempfile
from pathlib import Path

from case import Extra
from mutate import Disk
from qemu import BUILD
from typed import FAST, PASSPHRASE, in_tools

ALGORITHMS = {"sha1": 4, "sha256": 11}
# What nothing measures before the volume is open; and PCR 11 where the policy is of a UKI.
PCRS = ("14", "15")
OWNER = struct.pack(">I", 0x40000001)
EMPTY = struct.pack(">IIHBH", 9, 0x40000009, 0, 0, 0)  # a session: an empty password


def record(pcr, text):
    return {"pcr": pcr, "digests": [{"hashAlg": name, "digest": hashlib.new(name, text).hexdigest()}
                                    for name in ALGORITHMS]}


def digests_of(entry):
    return b"".join(struct.pack(">H", ALGORITHMS[one["hashAlg"]]) + bytes.fromhex(one["digest"])
                    for one in entry["digests"] if one["hashAlg"] in ALGORITHMS)


def ask(device, code, *parts):
    """Sends the TPM a command with an empty password for its one session; returns the answer's code."""
    body = b"".join(parts)
    with socket.socket(socket.AF_UNIX) as tpm:
        tpm.connect(device.removeprefix("swtpm:path="))
        tpm.sendall(struct.pack(">HII", 0x8002, len(body) + 10, code) + body)
        return int.from_bytes(tpm.recv(4096)[6:10], "big")


def extend(device, entry):
    """TPM2_PCR_Extend."""
    code = ask(device, 0x182, struct.pack(">I", entry["pcr"]), EMPTY, struct.pack(">I", len(ALGORITHMS)),
               digests_of(entry))
    if code:
        raise RuntimeError(f"TPM2_PCR_Extend: {code:#x}")


def attack_index(folder, device, how):
    """
    What the TPM lets who has it, and no PIN of systemd-pcrlock's, do to the policy's NV index: it is
    "removed"; "replaced" by one of that number that he can write; or "written", which the TPM must refuse.
    """
    index = struct.pack(">I", json.loads((folder / "pcrlock.json").read_text())["nvIndex"])
    undefine = (0x122, OWNER, index, EMPTY)
    # by the owner to be read and written; 34 bytes: an algorithm and a digest
    define = (0x12A, OWNER, EMPTY, bytes(2), struct.pack(">H", 14), index, struct.pack(">HIHH", 11, 0x20002, 0, 34))
    data = struct.pack(">HH32sH", 34, 11, hashlib.sha256(b"another policy").digest(), 0)
    by_owner, by_index = (0x137, OWNER, index, EMPTY, data), (0x137, index, index, EMPTY, data)
    steps = {"removed": (undefine,), "replaced": (undefine, define, by_owner), "written": (by_owner, by_index)}
    codes = [ask(device, *step) for step in steps[how]]
    if all(codes) != (how == "written") or any(codes) != (how == "written"):
        raise RuntimeError(f"the NV index {how}: {[hex(code) for code in codes]}")


def firmware_log(entries):
    """TCG PC Client Platform Firmware Profile, 10.2: these events and no more."""
    spec = b"Spec ID Event03\0" + struct.pack("<IBBBBI", 0, 0, 2, 0, 2, 2) + struct.pack("<4HB", 4, 20, 11, 32, 0)
    log = struct.pack("<II20sI", 0, 3, bytes(20), len(spec)) + spec
    for entry in entries:
        log += struct.pack("<III", entry["pcr"], 13, len(ALGORITHMS))
        for one in entry["digests"]:
            if one["hashAlg"] in ALGORITHMS:
                log += struct.pack("<H", ALGORITHMS[one["hashAlg"]]) + bytes.fromhex(one["digest"])
        log += struct.pack("<I", 0)
    return log


def lock(folder, device, *words):
    in_tools("/usr/lib/systemd/systemd-pcrlock", *words, SYSTEMD_TPM2_DEVICE=device,
             SYSTEMD_MEASURE_LOG_FIRMWARE=folder / "log", SYSTEMD_MEASURE_LOG_USERSPACE=folder / "none",
             SYSTEMD_ESP_PATH=folder / "esp", SYSTEMD_RELAX_ESP_CHECKS="1")


def make_policy(folder, device, *pcrs):
    lock(folder, device, "make-policy", f"--components={folder}/components", f"--policy={folder}/pcrlock.json",
         "--entry-token=literal:lintel", *(f"--pcr={pcr}" for pcr in pcrs))


def companions(folder):
    """What of it lies beside the UKI: (Extra, its file) pairs."""
    file = folder / "pcrlock/esp/loader/credentials/pcrlock.lintel.cred"
    return [(Extra(file.name, folder="global_credentials"), file)] if file.exists() else []


def enroll(path, device, folder):
    """Adds to the disk's root, which PASSPHRASE opens, a token of a policy that is not yet of any UKI."""
    (folder / "esp").mkdir(parents=True)
    (folder / "components").mkdir()
    (folder / "log").write_bytes(firmware_log(()))
    make_policy(folder, device, *PCRS)
    with Disk(path) as disk, tempfile.TemporaryDirectory(dir=BUILD / ".tmp") as scratch:
        part = disk.table.find("root")
        image, key = Path(scratch, "image"), Path(scratch, "key")
        image.write_bytes(disk.read(part.offset, part.size))
        key.write_text(PASSPHRASE)
        in_tools("cryptsetup", "luksConvertKey", "-q", *FAST, "--key-file", key, image)
        in_tools("systemd-cryptenroll", f"--unlock-key-file={key}", f"--tpm2-device={device}", "--tpm2-pcrs=",
                 "--tpm2-public-key=", f"--tpm2-pcrlock={folder}/pcrlock.json", image)
        disk.write(part.offset, image.read_bytes())


def policy_of(uki, source, folder, device):
    """
    Makes the policy by which that UKI, in its initrd's phase and in later ones, opens the
    disk. pcrlock predicts only PCRs whose events it knows: so the TPM and the log have had these.
    """
    shutil.copytree(source, folder)
    phases = ("enter-initrd", "leave-initrd", "sysinit", "ready")
    for number, word in enumerate(phases):
        (folder / f"components/{750 + 50 * number}-{word}.pcrlock").write_text(
            json.dumps({"records": [record(11, word.encode())]}))
    measured = folder / "components/650-uki.pcrlock"
    lock(folder, device, "lock-uki", uki, f"--pcrlock={measured}")
    # what the firmware measures of the file, into PCR 4, is not asked for here
    entries = [one for one in json.loads(measured.read_text())["records"] if one["pcr"] == 11]
    measured.write_text(json.dumps({"records": entries}))
    entries.append(record(11, b"enter-initrd"))
    for entry in entries:
        extend(device, entry)
    (folder / "log").write_bytes(firmware_log(entries))
    make_policy(folder, device, "11", *PCRS)
