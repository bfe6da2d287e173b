"""Codes are taught by MQTT, kept over a power cut, told by their names, forgotten."""

from testsuite.story import SECONDS, command, sent, stat, up, with_keys

FIRST_MS = 12 * SECONDS
STRANGER = "EV1527:4711"
OTHER = "HT6P20:21"


def start(world):
    up(world)
    world.run_for(FIRST_MS)


def press(world, code):
    world.device.bench.parts["keyfob"].press(code)
    world.run_for(2 * SECONDS)


def teach(world, name, code):
    command(world, "Learn", name)
    world.run_for(1 * SECONDS)
    press(world, code)


def payloads(world, topic):
    return [payload for _, payload in sent(world, topic)]


def test_a_code_is_taught_and_survives_a_power_cut(world):
    start(world)
    teach(world, b"door", STRANGER)
    assert sent(world, "Keyfob") == []
    assert stat(world, "Learned") == STRANGER + " door"
    press(world, STRANGER)
    assert payloads(world, "Button") == ["door"]
    world.device.power_cut()
    world.run_for(5 * SECONDS)
    start(world)
    assert stat(world, "Learned") == STRANGER + " door"
    press(world, STRANGER)
    assert payloads(world, "Keyfob") == [STRANGER] * 2
    assert payloads(world, "Button") == ["door"] * 2


def test_a_name_may_have_several_buttons_and_is_forgotten_as_a_whole(world):
    start(world)
    teach(world, b"door", STRANGER)
    teach(world, b"door", OTHER)
    teach(world, b"bell", "EV1527:1")
    teach(world, b"bell2", "EV1527:1")
    assert stat(world, "Learned") == "EV1527:4711 door,HT6P20:21 door,EV1527:1 bell2"
    command(world, "Forget", b"door")
    world.run_for(1 * SECONDS)
    assert stat(world, "Learned") == "EV1527:1 bell2"
    command(world, "Forget", b"door")
    world.run_for(1 * SECONDS)
    assert world.device.said("nothing was taught as door")
    command(world, "Forget", b"bell2")
    world.run_for(1 * SECONDS)
    assert stat(world, "Learned") == "None"
    press(world, STRANGER)
    assert payloads(world, "Keyfob") == [STRANGER]
    assert sent(world, "Button") == []


def test_what_is_taught_comes_before_what_is_configured(world):
    start(world)
    teach(world, b"new", "EV1527:11259365")
    press(world, "EV1527:11259365")
    press(world, "HT6P20:19088741")
    assert payloads(world, "Button") == ["new", "garage"]


def test_without_a_press_it_gives_up_after_a_minute(world):
    start(world)
    command(world, "Learn", b"door")
    world.run_for(61 * SECONDS)
    assert world.device.said("no button was pressed for door")
    press(world, STRANGER)
    assert payloads(world, "Keyfob") == [STRANGER]
    assert world.device.nvram.get("rx433", {}) == {}


def test_twelve_codes_are_all(world):
    start(world)
    for i in range(13):
        teach(world, b"a%d" % i, "EV1527:%d" % (1000 + i))
    assert stat(world, "Learned").count(",") == 11
    assert world.device.said("12 codes are learned")
    assert len(stat(world, "Learned")) < 512
    writes = world.device.bench.nvs_writes
    press(world, "EV1527:1003")
    assert world.device.bench.nvs_writes == writes
    assert payloads(world, "Button") == ["a3"]


def test_bad_names_and_retained_commands_teach_nothing(world):
    world.broker.publish("cmnd/Keyfobs/Learn", b"ghost", retain=True)
    start(world)
    for name in (b"two words", b"a,b", b"x" * 17, b"\xff"):
        command(world, "Learn", name)
        world.run_for(2 * SECONDS)
    assert world.device.said("want a name of up to 16 characters")
    press(world, STRANGER)
    assert payloads(world, "Keyfob") == [STRANGER]
    assert stat(world, "Learned") is None


def test_strangers_may_be_kept_quiet(world):
    with_keys(world, unknown=0)
    start(world)
    press(world, STRANGER)
    press(world, "EV1527:11259365")
    assert payloads(world, "Keyfob") == ["EV1527:11259365"]
    teach(world, b"door", STRANGER)
    press(world, STRANGER)
    assert payloads(world, "Button") == ["gate", "door"]


def test_what_stands_in_nvram_may_be_nonsense(world):
    world.device.nvram["rx433"] = {"learned": b"x,EV1527:4711 door,,  ,", "learned_len": 23}
    start(world)
    press(world, STRANGER)
    assert payloads(world, "Button") == ["door"]
    assert stat(world, "Learned") == STRANGER + " door"
