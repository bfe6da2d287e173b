"""The partitions of a board's flash, and which firmware its bootloader starts.

As the ESP-IDF does with its rollback switched on: what set_boot() chose runs once unconfirmed; if
it is not marked as valid then, the next reset of any cause returns to the firmware before.
"""

BLOCK_BYTES = 4096
_ERASED = b"\xff" * BLOCK_BYTES
IMAGE_MAGIC = 0xE9

APP = 0
DATA = 1

# (type, subtype, address, size, label): ports/esp32/partitions-4MiB-ota.csv of MicroPython.
TWO_FIRMWARES = (
    (DATA, 0x02, 0x9000, 0x4000, "nvs"),
    (DATA, 0x00, 0xD000, 0x2000, "otadata"),
    (DATA, 0x01, 0xF000, 0x1000, "phy_init"),
    (APP, 0x10, 0x10000, 0x180000, "ota_0"),
    (APP, 0x11, 0x190000, 0x180000, "ota_1"),
    (DATA, 0x81, 0x310000, 0xF0000, "vfs"),
)
# partitions-4MiB.csv: what most boards have.
ONE_FIRMWARE = (
    (DATA, 0x02, 0x9000, 0x6000, "nvs"),
    (DATA, 0x01, 0xF000, 0x1000, "phy_init"),
    (APP, 0x00, 0x10000, 0x1F0000, "factory"),
    (DATA, 0x81, 0x200000, 0x200000, "vfs"),
)


class FlashMap:
    """table: rows; blocks: {label: {number: 4096 bytes}}, what is missing is erased.

    boot, running: labels. states: {label: "valid", "new", "pending" or "aborted"}.
    """

    def __init__(self):
        # Does set_boot() read what it shall start, as the ESP-IDF does? The first byte here.
        self.checks_images = True
        self.use(TWO_FIRMWARES)

    def use(self, table):
        """Be a board with this table, as it comes from the factory."""
        self.table = table
        self.apps = [row[4] for row in table if row[0] == APP]
        self.boot = self.running = self.apps[0]
        self.states = {self.running: "valid"}
        self.blocks = {}
        self.load(self.running, bytes([IMAGE_MAGIC]) + b" the firmware that came with the board")

    def row(self, label):
        for row in self.table:
            if row[4] == label:
                return row
        return None

    # For stories.

    def load(self, label, content):
        """Put content at the beginning of an otherwise erased partition."""
        self.blocks[label] = blocks = {}
        for at in range(0, len(content), BLOCK_BYTES):
            part = bytes(content[at : at + BLOCK_BYTES])
            blocks[at // BLOCK_BYTES] = part + _ERASED[len(part) :]

    def content(self, label, size):
        """The first bytes of a partition."""
        count = (size + BLOCK_BYTES - 1) // BLOCK_BYTES
        return b"".join([self.block(label, n) for n in range(count)])[:size]

    # For the mocks and the bench.

    def block(self, label, number):
        return self.blocks.get(label, {}).get(number, _ERASED)

    def change(self, label, number, content):
        self.blocks.setdefault(label, {})[number] = content

    def choose(self, label):
        """Start this firmware from the next reset on."""
        self.boot = label
        self.states[label] = "new"

    def keep(self):
        self.states[self.running] = "valid"

    def restart(self):
        """What the bootloader does at a reset of any cause."""
        state = self.states.get(self.boot)
        if state == "pending":
            self.states[self.boot] = "aborted"
            for label in self.apps:
                if self.states.get(label) == "valid":
                    self.boot = label
                    break
        elif state == "new":
            self.states[self.boot] = "pending"
        self.running = self.boot

    def snapshot(self):
        blocks = {label: dict(self.blocks[label]) for label in self.blocks}
        return self.table, self.boot, self.running, dict(self.states), blocks

    def restore(self, saved):
        self.use(saved[0])
        self.boot, self.running = saved[1], saved[2]
        self.states = dict(saved[3])
        self.blocks = {label: dict(saved[4][label]) for label in saved[4]}
