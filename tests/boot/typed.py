"""A LUKS2 root that a person opens: its keys, and how they are enrolled offline."""

import json
import subprocess
import tempfile
from pathlib import Path

from mutate import Disk
from qemu import BUILD, REPO

PASSPHRASE = "correct horse"
PIN = "pin-8642"
RECOVERY = "cbdefghi-jklnrtuv-cbdefghi-jklnrtuv-ccbbddee-ffgghhii-jjkkllnn-rrttuuvv"
# systemd would take as much memory as the build host has; the guest has less
FAST = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")


def in_tools(*command, secret=None, **environment):
    words = [f"{name}={value}" for name, value in environment.items()]
    subprocess.run([REPO / "images/tree", "exec", "tools", "env", *words, *map(str, command)],
                   input=secret and secret.encode(), check=True, capture_output=True)


# What systemd 262 chooses for a PIN, with less memory than it would take; only that version knows it.
ARGON2ID = ("--tpm2-argon2id-memory=32M", "--tpm2-argon2id-iterations=2", "--tpm2-argon2id-parallelism=2")


def newest_cryptenroll():
    """systemd-cryptenroll of Debian 14, with what it needs newer than the tools tree has it."""
    packages = {name: Path(subprocess.run([REPO / "images/tree", "unpack", "forky", name], check=True,
                                          stdout=subprocess.PIPE, text=True).stdout.strip())
                for name in ("libc6", "libsystemd-shared", "systemd-cryptsetup")}
    libraries = packages["libc6"] / "usr/lib/x86_64-linux-gnu"
    return (libraries / "ld-linux-x86-64.so.2", "--library-path",
            f"{libraries}:{packages['libsystemd-shared']}/usr/lib/x86_64-linux-gnu/systemd",
            packages["systemd-cryptsetup"] / "usr/bin/systemd-cryptenroll")


def enroll(path, tpm, argon2id=False):
    """Adds PIN and recovery key to the disk's root, which PASSPHRASE opens."""
    cryptenroll = (*newest_cryptenroll(), *ARGON2ID) if argon2id else ("systemd-cryptenroll",)
    with Disk(path) as disk, tempfile.TemporaryDirectory(dir=BUILD / ".tmp") as folder:
        part = disk.table.find("root")
        image, key, token = (Path(folder, name) for name in ("image", "key", "token"))
        image.write_bytes(disk.read(part.offset, part.size))
        key.write_text(PASSPHRASE)
        token.write_text(json.dumps({"type": "systemd-recovery", "keyslots": ["1"]}))
        in_tools("cryptsetup", "luksConvertKey", "-q", *FAST, "--key-file", key, image)
        in_tools("cryptsetup", "luksAddKey", "-q", *FAST, "--key-slot", 1, "--key-file", key, image,
                 "-", secret=RECOVERY)
        in_tools("cryptsetup", "token", "import", "--json-file", token, image)
        in_tools(*cryptenroll, f"--unlock-key-file={key}", f"--tpm2-device={tpm}",
                 "--tpm2-with-pin=yes", "--tpm2-pcrs=", "--tpm2-public-key-pcrs=11",
                 f"--tpm2-public-key={BUILD}/keys/pcr.pub", image, NEWPIN=PIN)
        if argon2id and b'"tpm2_argon2id_lanes":2' not in image.read_bytes():
            raise RuntimeError("systemd-cryptenroll made no Argon2id token")
        disk.write(part.offset, image.read_bytes())
