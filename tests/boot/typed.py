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


def enroll(path, tpm):
    """Adds PIN and recovery key to the disk's root, which PASSPHRASE opens."""
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
        in_tools("systemd-cryptenroll", f"--unlock-key-file={key}", f"--tpm2-device={tpm}",
                 "--tpm2-with-pin=yes", "--tpm2-pcrs=", "--tpm2-public-key-pcrs=11",
                 f"--tpm2-public-key={BUILD}/keys/pcr.pub", image, NEWPIN=PIN)
        disk.write(part.offset, image.read_bytes())
