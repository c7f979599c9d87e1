"""What is done to an extension image before it is handed over."""

import binascii

from lintel_images import gpt


def turn_bit(path, text):
    """In the middle of all that a text, again and again, fills."""
    data = bytearray(path.read_bytes())
    first, last = data.index(text.encode()), data.rindex(text.encode())
    data[(first + last) // 2] ^= 1
    path.write_bytes(data)


def resector(path, sector):
    """The same partitions at the same bytes, in a table with larger sectors."""
    with open(path, "rb") as file:
        table = gpt.read(file)
    data = bytearray(path.read_bytes())
    data[:34 * gpt.SECTOR], data[-33 * gpt.SECTOR:] = bytes(34 * gpt.SECTOR), bytes(33 * gpt.SECTOR)
    data += bytes(-len(data) % sector + 8 * sector)
    scale = sector // gpt.SECTOR
    for part in table.partitions:
        part.first, part.last = part.first // scale, (part.last + 1) // scale - 1
    rows = b"".join(part.pack() for part in table.partitions).ljust(gpt.ENTRIES * gpt.ENTRY_SIZE, b"\0")
    spread, last = len(rows) // sector, len(data) // sector - 1

    def header(here, other, rows_at):
        def pack(checksum):
            return gpt.HEADER.pack(b"EFI PART", 0x10000, 92, checksum, 0, here, other, 2 + spread,
                                   last - spread - 1, table.disk.bytes_le, rows_at, gpt.ENTRIES,
                                   gpt.ENTRY_SIZE, binascii.crc32(rows))
        return pack(binascii.crc32(pack(0)))

    for at, block in ((0, gpt.protective_mbr(last + 1)), (1, header(1, last, 2)), (2, rows),
                      (last - spread, rows), (last, header(last, 1, last - spread))):
        data[at * sector:at * sector + len(block)] = block
    path.write_bytes(data)
