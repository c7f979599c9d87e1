"""The root's own root user loads another table into the mapping that it came from (threat A23)."""

from case import Case, Set

POLICY = "root=encrypted:usr=signed+absent:=unused+absent"
ROOT = Set("reload")
# the program's own mapping takes the very same table: the steps are right
OWN = "LINTEL-TEST-RELOAD own linear: done"
REFUSED = "LINTEL-TEST-RELOAD root linear: Invalid argument"


def case(name, *shows, **fields):
    return Case(f"a23-{name}", **{"sets": (ROOT,), "shows": (OWN, *shows), "checked": False, **fields})


CASES = [
    # dm-verity is immutable since Linux 5.19: no other target takes its place; but another root hash may,
    # unless the kernel asks for its signature, too
    case("linear", REFUSED, "can't replace immutable target type verity", "LINTEL-TEST-RELOAD root verity: done",
         firmware="direct", cmdline="root=PARTLABEL=lintel_1", checked=True),
    case("linear-6.1", REFUSED, firmware="direct", cmdline="root=PARTLABEL=lintel_1", kernel="root-bookworm"),
    case("verity-unsigned", REFUSED, "LINTEL-TEST-RELOAD root verity: [A-Z]", cmdline="dm_verity.require_signatures=1"),
    # dm-crypt is not: what the case must find out
    case("crypt", "LINTEL-TEST-RELOAD root linear: done", sets=(Set("reload", layout="luks", fstype="ext4"),),
         policy=POLICY, caught="1 units failed"),
]
