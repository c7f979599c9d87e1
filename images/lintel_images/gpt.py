"""GUID partition tables: read, change, write. Sectors are 512 bytes."""

import binascii
import struct
import uuid
from dataclasses import dataclass, field

SECTOR = 512
ALIGNMENT = 2048
ENTRIES, ENTRY_SIZE = 128, 128
TABLE_SECTORS = ENTRIES * ENTRY_SIZE // SECTOR
READ_ONLY = 1 << 60
HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
ENTRY = struct.Struct("<16s16sQQQ72s")

# Discoverable Partitions Specification, x86-64.
TYPES = {
    "esp": "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
    "home": "933ac7e1-2eb4-4f13-b844-0e14e2aef915",
    "root": "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
    "root-verity": "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5",
    "root-verity-sig": "41092b05-9fc8-4523-994f-2def0408b176",
    "srv": "3b8f8425-20e0-4f3b-907f-1a25a76f98e8",
    "swap": "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f",
    "usr": "8484680c-9521-48c6-9c11-b0720656f69e",
    "usr-verity": "77ff5f63-e7b6-4633-acf4-1565b864c0e6",
    "usr-verity-sig": "e7bb33fb-06cf-4e81-8273-e543b413e2e2",
    "var": "4d21b016-b534-45c2-a9fb-5c16e091fd2d",
}
NAMES = {uuid.UUID(guid): name for name, guid in TYPES.items()}


@dataclass
class Partition:
    """One row of a table; `last` is inclusive."""

    type: uuid.UUID
    uuid: uuid.UUID
    first: int
    last: int
    label: str = ""
    attributes: int = 0

    @property
    def role(self):
        return NAMES.get(self.type, str(self.type))

    @property
    def offset(self):
        return self.first * SECTOR

    @property
    def size(self):
        return (self.last - self.first + 1) * SECTOR

    def pack(self):
        return ENTRY.pack(self.type.bytes_le, self.uuid.bytes_le, self.first, self.last,
                          self.attributes, self.label.encode("utf-16-le"))

    @classmethod
    def unpack(cls, data):
        kind, unique, first, last, attributes, label = ENTRY.unpack(data)
        return cls(uuid.UUID(bytes_le=kind), uuid.UUID(bytes_le=unique), first, last,
                   label.decode("utf-16-le").rstrip("\0"), attributes)


@dataclass
class Table:
    """A whole table. Partitions stand in the order of their numbers."""

    disk: uuid.UUID
    partitions: list = field(default_factory=list)

    def find(self, role, label=None):
        """The first partition with that role (a name of TYPES), and that label if given."""
        for partition in self.partitions:
            if partition.role == role and label in (None, partition.label):
                return partition
        raise LookupError(f"no {role} partition" + (f" labelled {label}" if label else ""))

    def append(self, kind, unique, size, label, attributes=0):
        """Adds a partition behind all others and returns it."""
        end = max((p.last + 1 for p in self.partitions), default=0)
        first = max(-(-end // ALIGNMENT) * ALIGNMENT, ALIGNMENT)
        partition = Partition(kind, unique, first, first - (-size // SECTOR) - 1, label, attributes)
        self.partitions.append(partition)
        return partition

    def write(self, file):
        """Writes both copies; grows the file where the partitions need it."""
        end = max((p.last + 1 for p in self.partitions), default=ALIGNMENT)
        sectors = (-(-end // ALIGNMENT) + 1) * ALIGNMENT
        sectors = max(sectors, file.seek(0, 2) // SECTOR)
        file.truncate(sectors * SECTOR)
        rows = b"".join(p.pack() for p in self.partitions).ljust(ENTRIES * ENTRY_SIZE, b"\0")
        backup = sectors - 1
        self._put(file, 0, protective_mbr(sectors))
        self._put(file, 1, self._header(rows, 1, backup, 2))
        self._put(file, 2, rows)
        self._put(file, backup - TABLE_SECTORS, rows)
        self._put(file, backup, self._header(rows, backup, 1, backup - TABLE_SECTORS))

    def _header(self, rows, here, other, rows_at):
        last = max(here, other) - TABLE_SECTORS - 1

        def pack(checksum):
            return HEADER.pack(b"EFI PART", 0x10000, 92, checksum, 0, here, other,
                               2 + TABLE_SECTORS, last, self.disk.bytes_le, rows_at,
                               ENTRIES, ENTRY_SIZE, binascii.crc32(rows))
        return pack(binascii.crc32(pack(0))).ljust(SECTOR, b"\0")

    @staticmethod
    def _put(file, sector, data):
        file.seek(sector * SECTOR)
        file.write(data)


def protective_mbr(sectors):
    size = min(sectors - 1, 0xFFFFFFFF)
    row = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, size)
    return row.rjust(446 + 16, b"\0").ljust(510, b"\0") + b"\x55\xaa"


def read(file):
    """The primary table of a file; ValueError if there is none."""
    file.seek(SECTOR)
    header = file.read(SECTOR)
    if header[:8] != b"EFI PART":
        raise ValueError("no GUID partition table")
    fields = HEADER.unpack(header[:HEADER.size])
    disk, rows_at, count, size = fields[9], fields[10], fields[11], fields[12]
    if count > ENTRIES or size != ENTRY_SIZE:
        raise ValueError(f"a GUID partition table of {count} rows of {size} bytes")
    file.seek(rows_at * SECTOR)
    rows = file.read(count * size)
    partitions = [Partition.unpack(rows[i:i + size]) for i in range(0, len(rows), size)]
    return Table(uuid.UUID(bytes_le=disk), [p for p in partitions if p.type.int])
