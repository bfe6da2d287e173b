"""Runs a profile in real time: real sockets, files and threads, simulated hardware only.

    micropython -m testmock.realtime PROFILE FOLDER CODE [CAUSE]
    python3 -m testmock.realtime PROFILE FOLDER CODE [CAUSE]

FOLDER is the device's file system (config.txt is there already), CODE the folder that holds
profiles/, lib/ and testmock/, CAUSE the reset cause. If FOLDER has a boot.py, the program is what
is installed there, and sees nothing else; only the simulated hardware comes from CODE then. The
program ends with status 42 when the device resets: start it again. It also does in deep sleep,
having said {"deepsleep": ms}: start it again with cause 4 when that time is over (null: never).
What RTC().memory() holds is the file FOLDER.rtc, NVRAM is FOLDER.nvs. EPX_ETHER is the port of a
hub for packets of ESP-NOW (realether.py), EPX_MAC the device's MAC in hex.

Commands on stdin: "set PART.ATTRIBUTE VALUE", "call PART.METHOD VALUE", "input PIN LEVEL",
"state", "quit"; PART is a name of stage.py, or wifi, ethernet. Lines on stdout that begin with
"#! " are JSON: what has changed (pins, wifi, picture of the display in hex), resets, errors.
"""

import sys

from testmock import control


def exists(os, path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def main_micropython(profile, folder, code, cause):
    import _thread
    import gc
    import os
    import select
    import time

    installed = exists(os, folder + "/boot.py")
    here = os.getcwd()
    folder = folder if folder[0] == "/" else here + "/" + folder
    code = code if code[0] == "/" else here + "/" + code
    if installed:
        from testmock import mounted

        mounted.mount(folder)
        # The rest of this computer is below /pc, for the mocks.
        code = "/pc" + code
    # Mocks that are fetched late are looked for from the device's folder.
    sys.modules["testmock"].__path__ = code + "/testmock"
    sim = control.prepare(time, ("/pc" if installed else "") + folder, cause)
    sys.modules["_sim"] = sim
    sys.path[:] = [code + "/profiles/" + profile, code + "/lib", code + "/testmock", code]
    for name in ("machine", "network", "esp32"):
        sys.modules[name] = __import__(name)
    __import__("stage").stage(sim.bench)
    if sim.bench.wires:
        sys.modules["onewire"] = __import__("onewire")
    if sim.bench.uses_espnow or control.has_ether():
        sys.modules["espnow"] = __import__("espnow")
    commander = control.Control(sim.bench, time, select, sys.stdin, sys.stdout.write)

    commander.end_by(sys.exit)
    os.chdir("/" if installed else folder)
    gc.collect()
    _thread.start_new_thread(commander.run, ())
    if installed:
        sys.path[:] = ["", ".frozen", "/lib"]
        mounted.boot()
        return
    for name in ("boot", "main"):
        if exists(os, "%s/profiles/%s/%s.py" % (code, profile, name)):
            __import__(name)


def main_cpython(profile, folder, code, cause):
    from testmock.cpython_real.process import run

    run(profile, folder, code, cause)


if __name__ == "__main__":
    _arguments = sys.argv[1:]
    _cause = int(_arguments[3]) if len(_arguments) > 3 else 1
    _main = main_micropython if sys.implementation.name == "micropython" else main_cpython
    _main(_arguments[0], _arguments[1], _arguments[2], _cause)
