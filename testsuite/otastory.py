"""What stories about updates share: installed devices, and the real client on a PC of the world.

The small appliance of these stories is in testsuite/probe. CPython only: devices boot from flash.
"""

import pathlib

from epxhost.fileset import FileSet
from epxhost.otaclient import OtaLink
from testmock.simworld import installed
from testmock.simworld.pc import Pc
from testsuite.otacaller import KEY, PORT, open_port
from testsuite.story import MINUTES, SECONDS, command, is_online, sent, up

CONFIG = (
    """\
ssid House
password secret word
mqttbroker 1.2.3.4
mqttname Probe
otakey %s
"""
    % KEY
)

_PROBE = pathlib.Path(__file__).parent / "probe"
# What of a water tank's file set is the tank's own.
_TANKS = ("lib/h2o/", "lib/third/", "boot.py", "main.py")
MAIN = (_PROBE / "main.py").read_text()
SENSOR = (_PROBE / "lib/probe/sensor.py").read_text()


def probe(changes=None):
    """{path in the set: content} of the small appliance; changes: others, or None to drop."""
    files = installed.set_files("h2o")
    files = {path: files[path] for path in files if not path.startswith(_TANKS)}
    for path in _PROBE.rglob("*.py"):
        files[path.relative_to(_PROBE).as_posix()] = path.read_bytes()
    return changed(files, changes or {})


def tank(changes=None):
    return installed.set_files("h2o", changes)


def changed(files, changes):
    files = dict(files)
    for path, content in changes.items():
        if content is None:
            del files[path]
        else:
            files[path] = content.encode() if isinstance(content, str) else content
    return files


def install(world, files=None, version=1):
    """Put loader, rescue program and set a into the flash; the small appliance, or these files."""
    flash = world.device.flash
    tree = installed.device_tree("probe", version, "a", probe() if files is None else files)
    for path, content in tree.items():
        flash.load(path, content)
    flash.load("/config.txt", CONFIG)


def start(world, files=None, version=1):
    install(world, files, version)
    up(world)


def install_tank(world, changes=None):
    installed.install(world.device, "h2o", changes=changes)


def new_set(changes=None, version=2, profile="probe"):
    """A set as the PC has it: the present one, but for these changes."""
    files = tank(changes) if profile == "h2o" else probe(changes)
    return FileSet(profile, version, 0, files)


def link(pc, key=KEY, say=None):
    """The client as the tools use it, on this computer."""
    address = pc.world.device.address
    return OtaLink(
        lambda: pc.connect(address(), PORT),
        key,
        own_addresses=lambda sock: (pc.address(),),
        say=say or (lambda words: None),
        sleep=pc.sleep,
    )


def session(world, action, pc=None, limit_ms=15 * MINUTES):
    """What action(client) returns in a session of its own; the port is opened before."""
    if not port_is_open(world):
        open_port(world)
    pc = pc or Pc(world)
    return pc.do(limit_ms, link(pc).run, action)


def port_is_open(world):
    return world.device.module("epx.ota") is not None


def update(world, fileset, reboot=True, **options):
    """The whole way; returns at the first instant of the reboot, or after the commit."""

    def act(client):
        result = client.send_set(fileset, **options)
        if result.differs:
            client.commit()
            if reboot:
                client.reboot()
        return result

    count = len(world.device.resets)
    result = session(world, act)
    if reboot:
        assert world.run_until(lambda: len(world.device.resets) > count, 10 * SECONDS)
    return result


def running(world):
    """What /running.txt says."""
    return world.device.flash.text("/running.txt").strip()


def log(world, since_ms=0):
    """Lines that the device has published on the topic Log, without their level."""
    return [line.partition(" ")[2] for ms, line in sent(world, "Log") if ms >= since_ms]


def logged(world, text, since_ms=0):
    return any(text in line for line in log(world, since_ms))


def wait_for_log(world, text, limit_ms=20 * SECONDS, since_ms=None):
    """Until the device publishes a line with this text from now on -> the line."""
    since_ms = world.now_ms() if since_ms is None else since_ms
    assert world.run_until(lambda: logged(world, text, since_ms), limit_ms), (
        text,
        log(world, since_ms),
    )
    return next(line for line in log(world, since_ms) if text in line)


def ask(world, text, quiet_ms=500):
    """Command on the topic OTA -> the lines of the log that come within so much time."""
    world.run_for(1100)  # what else there was to say may wait for a second
    before = len(log(world))
    command(world, "OTA", text)
    world.run_for(quiet_ms)
    return log(world)[before:]


def runs_set(world, name, limit_ms=2 * MINUTES):
    """Until the device is online with the program of this set."""
    device = world.device

    def runs():
        net = device.module("epx.net")
        return net and net.__file__ == "/%s/lib/epx/net.py" % name and is_online(world)

    assert world.run_until(runs, limit_ms), device.console()[-3000:]
    return True


def is_whole(world, name):
    return installed.set_problems(world.device.flash, name) == []
