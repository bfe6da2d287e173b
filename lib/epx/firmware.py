"""Which MicroPython runs, where, and whether it stays."""

from esp32 import Partition


def partitions():
    """Lines about the partitions for programs."""
    names = [part.info()[4] for part in Partition.find(Partition.TYPE_APP)]
    running = Partition(Partition.RUNNING).info()[4]
    lines = ["available partitions %s, running %s" % (",".join(names), running)]
    if len(names) < 2:
        lines.append("partition table does not have support for firmware OTA")
    return lines


def keep():
    """Do not go back to the firmware before -> what came of it."""
    # The ESP-IDF marks what is selected for the next boot, even if it has never run.
    if Partition(Partition.BOOT).info()[2] != Partition(Partition.RUNNING).info()[2]:
        return "the new firmware has not run yet: reboot, and keep it if all is well then"
    try:
        Partition.mark_app_valid_cancel_rollback()
    except OSError as error:
        return "the running firmware cannot be marked: %s" % error
    return "Currently running firmware is kept."
