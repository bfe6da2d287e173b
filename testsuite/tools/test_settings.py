"""serial_params.txt and mqttserver.txt."""

import pytest

from epxhost import settings
from epxhost.errors import ToolError


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("-o ttyUSB0", ("/dev/ttyUSB0", 115200, False)),
        ("-o ttyUSB0 --reset", ("/dev/ttyUSB0", 115200, True)),
        ("# comment\n\n--reset\n-o ttyACM0\n", ("/dev/ttyACM0", 115200, True)),
        ("-o ser:/dev/cu.usbserial-1,460800", ("/dev/cu.usbserial-1", 460800, False)),
        ("-n --nocolor /dev/ttyS4", ("/dev/ttyS4", 115200, False)),
    ],
)
def test_serial_parameters_are_those_of_mpfshell(text, wanted):
    assert settings.serial_parameters(text) == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no port"),
        ("--speed 3", "unrecognized"),
        ("-o tn:192.168.1.1", "want a serial port"),
        ("-o ttyUSB0,fast", "want a speed"),
    ],
)
def test_wrong_serial_parameters_are_a_clear_error(text, words):
    with pytest.raises(ToolError, match=words):
        settings.serial_parameters(text)


def test_a_broker_may_have_a_port():
    assert settings.mqtt_server("# home\nbroker.lan\n") == ("broker.lan", 1883)
    assert settings.mqtt_server("10.0.0.1:8883") == ("10.0.0.1", 8883)
    with pytest.raises(ToolError, match="one line"):
        settings.mqtt_server("a\nb\n")
    with pytest.raises(ToolError, match="port number"):
        settings.mqtt_server("a:b")


def test_a_missing_file_says_what_to_copy(monkeypatch, tmp_path):
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    with pytest.raises(ToolError, match=r"copy serial_params\.txt\.example"):
        settings.serial_parameters()


def test_without_a_profile_unknown_keys_are_taken_for_its_own():
    problems = settings.config_problems("ssid a\npasword b\nsomething 3\n", None)
    assert len(problems) == 1 and "did you mean 'password'" in problems[0]


def test_the_environment_may_name_the_broker(monkeypatch, tmp_path):
    """So does the demo, whose broker is on another port each time."""
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    assert not settings.has_mqtt_server()
    (tmp_path / "mqttserver.txt").write_text("192.168.1.10\n")
    assert settings.mqtt_server() == ("192.168.1.10", 1883)
    monkeypatch.setenv("EPX_MQTT_SERVER", "127.0.0.1:4711")
    assert settings.has_mqtt_server()
    assert settings.mqtt_server() == ("127.0.0.1", 4711)
    monkeypatch.setenv("EPX_MQTT_SERVER", "a:b")
    with pytest.raises(ToolError, match="EPX_MQTT_SERVER: want a port number"):
        settings.mqtt_server()
