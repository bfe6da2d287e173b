"""A good update is on trial for two minutes, and then it stays."""

from epxhost.otaclient import OtaRefused
from testsuite import otastory
from testsuite.otastory import SENSOR, is_whole, log, logged, new_set, running, runs_set, update
from testsuite.story import MINUTES, SECONDS, stat, up

NEW = {"lib/probe/sensor.py": SENSOR + "# new\n"}


def test_it_is_confirmed_after_two_minutes_and_not_before(world):
    otastory.start(world)
    device = world.device
    result = update(world, new_set(NEW))
    assert result.needed == ("lib/probe/sensor.py",)
    booted_ms = device.resets[0][0]
    assert running(world) == "b trial a ok"
    assert runs_set(world, "b")
    world.run_for(booted_ms + 119 * SECONDS - world.now_ms())
    assert running(world) == "b trial a ok"
    assert logged(world, "update: set b on trial") and not logged(world, "confirmed")
    assert world.run_until(lambda: running(world) == "b confirmed a", 4 * SECONDS)
    world.run_for(1 * SECONDS)
    assert logged(world, "update: set b confirmed")
    assert is_whole(world, "a") and is_whole(world, "b")
    assert device.nvram["loader"] == {"boots": 0}
    assert len(device.resets) == 1


def test_afterwards_no_reset_goes_back(world):
    otastory.start(world)
    device = world.device
    update(world, new_set(NEW))
    assert world.run_until(lambda: running(world) == "b confirmed a", 3 * MINUTES)
    for cause in (2, 3, 2, 2, 3, 5):
        device.reset(cause)
        world.run_for(1 * SECONDS)
        assert runs_set(world, "b")
        world.run_for(70 * SECONDS)
    for _ in range(4):
        device.power_cut()
        world.run_for(2 * SECONDS)
        device.power_on()
        assert runs_set(world, "b")
    world.run_for(20 * MINUTES)
    assert running(world) == "b confirmed a"


def test_the_broker_may_be_late(world):
    otastory.start(world)
    update(world, new_set(NEW))
    world.broker.stop()
    world.run_for(5 * MINUTES)
    assert running(world) == "b trial a ok"
    world.broker.start()
    assert world.run_until(lambda: running(world) == "b confirmed a", 2 * MINUTES)


def test_it_must_be_online_at_the_end_of_the_two_minutes(world):
    otastory.start(world)
    update(world, new_set(NEW))
    assert runs_set(world, "b")
    world.run_for(60 * SECONDS)
    world.broker.stop()
    world.run_for(3 * MINUTES)
    assert running(world) == "b trial a ok"
    world.broker.start()
    assert world.run_until(lambda: running(world) == "b confirmed a", 2 * MINUTES)


def test_the_sets_take_turns(world):
    otastory.start(world)
    for version in range(2, 6):
        name, before = "ba"[version % 2], "ab"[version % 2]
        change = {"lib/probe/sensor.py": SENSOR + "# version %d\n" % version}
        update(world, new_set(change, version))
        assert running(world) == "%s trial %s ok" % (name, before)
        assert world.run_until(
            lambda words="%s confirmed %s" % (name, before): running(world) == words, 3 * MINUTES
        )
        assert is_whole(world, "a") and is_whole(world, "b")
        identity = otastory.session(world, lambda client: client.identity)
        assert identity["version"] == str(version)
        assert (identity["set"], identity["other"]) == (name, str(version - 1))


def test_the_same_set_changes_nothing(world):
    otastory.start(world)
    before = dict(world.device.flash.files)
    result = otastory.session(world, lambda client: client.send_set(new_set(version=1)))
    assert not result.differs and result.needed == ()
    after = dict(world.device.flash.files)
    after.pop("/b/new/sent", None)
    assert after == before


def test_a_higher_version_with_the_same_files_is_an_update(world):
    otastory.start(world)
    result = update(world, new_set(version=2))
    assert result.differs and result.needed == () and result.packed == 0
    assert world.run_until(lambda: running(world) == "b confirmed a", 3 * MINUTES)
    assert otastory.session(world, lambda client: client.identity["version"]) == "2"


def refused(world, fileset, **options):
    """The reason for which the device does not take a set."""
    try:
        otastory.session(world, lambda client: client.send_set(fileset, **options))
    except OtaRefused as error:
        return error.name
    return None


def test_what_does_not_fit_is_refused_before_any_data(world):
    otastory.start(world, version=5)
    flash = world.device.flash
    before = dict(flash.files)
    good = new_set(NEW, 6)
    assert refused(world, good._replace(version=4)) == "lower version"
    assert refused(world, good._replace(profile="h2o")) == "wrong profile"
    assert refused(world, good._replace(mpy=77)) == "wrong mpy version"
    large = dict(good.files, large=bytes(3 << 20))
    assert refused(world, good._replace(files=large)) == "too large"
    for path in ("../x", "/config.txt", "lib/../x", "new/x", "set.txt", "x y", "x" * 81, ""):
        files = dict(good.files)
        files[path] = b"bad"
        assert refused(world, good._replace(files=files)) == "path not allowed", path
    many = {"file%d" % n: b"" for n in range(201)}
    assert refused(world, good._replace(files=many)) == "too large"
    after = dict(flash.files)
    after.pop("/b/new/sent", None)
    assert after == before
    assert refused(world, good._replace(version=4), downgrade=True) is None


def test_no_second_update_during_a_trial(world):
    otastory.start(world)
    update(world, new_set(NEW))
    assert runs_set(world, "b")
    assert refused(world, new_set(version=3)) == "on trial"
    assert world.run_until(lambda: running(world) == "b confirmed a", 3 * MINUTES)
    assert is_whole(world, "a")
    assert refused(world, new_set(version=3)) is None


def test_a_tank_is_updated_and_measures_again(world):
    otastory.install_tank(world)
    up(world)
    world.run_for(10 * SECONDS)
    text = otastory.tank()["lib/h2o/service.py"].decode().replace('"Flow"', '"FlowNow"')
    result = update(world, new_set({"lib/h2o/service.py": text}, profile="h2o"))
    assert result.needed == ("lib/h2o/service.py",)
    assert world.run_until(lambda: running(world) == "b confirmed a", 3 * MINUTES)
    assert stat(world, "FlowNow") == "0.0" and stat(world, "LevelSensorMap") == "1,1,1,1,1"
    assert not any("fault" in line for line in log(world))
