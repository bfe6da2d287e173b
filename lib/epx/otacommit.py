"""The commit of an update: the set that does not run becomes what the staged list says."""

import os

from epx import diag
from epx.otafiles import check_hash, read_files, remove_file, staged_path
from epx.otafolders import check_no_trial, clean, make_folders, paths
from epx.otawire import Refusal
from loader import sets


def commit(base, target, health, buffer):
    """Job: make set target whole, each file verified as it lies in the flash, and let it run next.

    What has not been sent comes from set base. A step does one thing that may have to erase a
    block of the flash, which takes 45 ms. health: what the appliance says of itself now.
    """
    folder = "/%s/" % target
    new = folder + "new/"
    if not sets.exists(new + "list"):
        raise Refusal("nothing staged", "send an update first")
    check_no_trial()
    sets.forget_other()
    yield
    remove_file(folder + "set.txt")
    yield from clean(folder, "", paths(new + "list"))
    for path, size, sha256 in read_files(new + "list"):
        yield
        final = folder + path
        if (yield from check_hash(final, size, sha256, buffer)):
            continue
        make_folders(final)
        yield
        staged = staged_path(new, path)
        if (yield from check_hash(staged, size, sha256, buffer)):
            os.rename(staged, final)
            continue
        yield from _copy("/%s/%s" % (base, path), final, buffer)
        if not (yield from check_hash(final, size, sha256, buffer)):
            raise Refusal("corrupt", "%s is not what the list says" % final)
    os.rename(new + "list", folder + "set.txt")
    yield from clean(folder, "new/", ())
    os.rmdir(folder + "new")
    diag.ended_well()  # the boots of the trial are counted from here
    yield
    sets.start_trial(target, health)


def _copy(source, final, buffer):
    with open(source, "rb") as old, open(final, "wb") as new:
        while True:
            count = old.readinto(buffer)
            if not count:
                return
            new.write(buffer[:count])
            yield
