"""
A machine stopped right before its kernel starts /init, from which any number of boots go on: what
lintel does is new each time, firmware and kernel are not started again. All of the machine but its
disks is in one file, QEMU's migration stream.
"""

import shlex
from dataclasses import replace

from qemu import Machine, lost_by_qemu

# the kernel's last words before /init; it has waited for the initrd to be unpacked before
READY = ("Checked W+X mappings", "Run /init")
# A machine that goes on runs at once: whether this one ran is left out of the stream.
SAVED = ["-global", "migration.store-global-state=off"]


def is_saved(event):
    status = event.get("data", {}).get("status")
    if status == "failed":
        raise OSError("QMP: the machine could not be saved")
    return status == "completed"


def save(machine, state):
    """Stops the guest and writes it to the file."""
    machine.qmp(("stop", {}),
                ("migrate-set-capabilities", {"capabilities": [{"capability": "events", "state": True}]}),
                ("migrate", {"uri": f"exec:cat >{shlex.quote(str(state))}"}), until=is_saved)


class Frozen:
    """
    `guest`, up to READY; its console had said `said`. Its disks may be any others of the same sizes
    when it goes on.
    """

    def __init__(self, guest, state, timeout):
        self.guest, self.state = guest, state
        for _ in range(3):
            if self.start(timeout):
                return
            if not lost_by_qemu("\n".join(self.said)):
                break
        raise RuntimeError("the kernel did not come to /init:\n" + "\n".join(self.said[-20:]))

    def start(self, timeout):
        """Whether the machine came to where it is ready."""
        self.said = []
        with Machine(replace(self.guest, extra=[*self.guest.extra, *SAVED]), timeout) as machine:
            for line in machine.lines():
                self.said.append(line)
                if any(words in line for words in READY):
                    save(machine, self.state)
                    return True
        return False

    def guest_with(self, **changes):
        """The Guest that goes on, with these fields changed: none that changes the machine's devices."""
        more = [*SAVED, "-incoming", f"exec:cat {shlex.quote(str(self.state))}"]
        return replace(self.guest, extra=[*self.guest.extra, *more], **changes)
