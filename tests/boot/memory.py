"""Whether a guest's memory holds what opens its disk: a search for every form that software uses."""

import base64
import hashlib
import json
import mmap
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import typed
from mutate import Disk
from qemu import BUILD, REPO

CHUNK = 16  # of a secret that is no text: a half of it already tells


def policy_of_reset():
    """A signature by build/keys/pcr.key that lets PCR 11 be zero: for a TPM that nothing booted."""
    select = bytes.fromhex("00000001" "000b" "03" "000800")  # TPML_PCR_SELECTION: sha256, PCR 11
    pcrs = hashlib.sha256(bytes(32)).digest()
    # TPM 2.0 part 3, 23.7: TPM2_PolicyPCR
    policy = hashlib.sha256(bytes(32) + bytes.fromhex("0000017f") + select + pcrs).digest()
    key = BUILD / "keys/pcr.key"
    der = subprocess.run(["openssl", "rsa", "-in", key, "-RSAPublicKey_out", "-outform", "DER"],
                         check=True, capture_output=True).stdout
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=policy, check=True,
                               capture_output=True).stdout
    return json.dumps({"sha256": [{"pcrs": [11], "pkfp": hashlib.sha256(der).hexdigest(),
                                   "pol": policy.hex(),
                                   "sig": base64.b64encode(signature).decode()}]})


def secrets_of(disk, tpm):
    """What opens a typed disk (typed.py) that was sealed to the TPM state: {name: bytes}."""
    subprocess.run(["make", "-s", "-C", REPO, "build/unit-tpm"], check=True)
    with Disk(disk) as opened, tempfile.TemporaryDirectory(dir=BUILD / ".tmp") as folder:
        part = opened.table.find("root")
        image, key, signatures, volume = (Path(folder, name) for name in
                                          ("image", "key", "signatures.json", "volume"))
        image.write_bytes(opened.read(part.offset, part.size))
        key.write_text(typed.PASSPHRASE)
        signatures.write_text(policy_of_reset())
        typed.in_tools("cryptsetup", "luksDump", "-q", "--dump-volume-key", "--volume-key-file", volume,
                       "--key-file", key, image)
        tokens = json.loads(image.read_bytes()[4096:16384].rstrip(b"\0"))["tokens"]
        token = next(t for t in tokens.values() if t["type"] == "systemd-tpm2")
        (Path(folder) / "token.json").write_text(json.dumps(token))
        shutil.copytree(tpm, Path(folder) / "tpm", ignore=shutil.ignore_patterns("host*"))
        done = subprocess.run([BUILD / "unit-tpm", "--unseal", f"{folder}/token", signatures,
                               f"{folder}/tpm", typed.PIN], capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"unit-tpm: {done.stderr.decode()}")
        slot = token["keyslots"][0]
        typed.in_tools("cryptsetup", "open", "--test-passphrase", "--key-slot", slot, "--key-file", "-",
                       image, secret=done.stdout.decode())  # the search is for the right thing
        return {"passphrase": typed.PASSPHRASE.encode(), "PIN": typed.PIN.encode(),
                "recovery key": typed.RECOVERY.encode(), "sealed secret": base64.b64decode(done.stdout),
                "volume key": volume.read_bytes()}


def forms(secret):
    """The byte strings to look for: as it is, and as hex, base64 and UTF-16; of random ones, halves."""
    is_text = all(32 <= byte < 127 for byte in secret)
    parts = [secret] if is_text else [secret[at:at + CHUNK] for at in range(0, len(secret), CHUNK)]
    found = []
    for part in parts:
        found += [part, part.hex().encode(), part.hex().upper().encode()]
        found += [part.decode().encode("utf-16-le")] if is_text else []
    # without the last characters, which depend on what follows
    coded = base64.b64encode(secret).rstrip(b"=")[:-1]
    return [*found, coded, coded.decode().encode("utf-16-le")]


def copies(path, secret):
    """How often any form of the secret stands in the file; the most frequent form counts."""
    with open(path, "rb") as stream, \
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        counts = []
        for form in forms(secret):
            count, at = 0, memory.find(form)
            while at >= 0:
                count, at = count + 1, memory.find(form, at + 1)
            counts.append(count)
        return max(counts)


def judge(path, secrets, volume_keys):
    """None if the dump holds no secret, and the volume key at most so often; else what it holds."""
    wrong = []
    for name, secret in secrets.items():
        count = copies(path, secret)
        if count > (volume_keys if name == "volume key" else 0):
            wrong.append(f"{name} {count} times")
    os.unlink(path)
    return f"the guest's memory holds: {', '.join(wrong)}" if wrong else None
