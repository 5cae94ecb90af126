"""`mode: observe` in the configuration: what it needs, and what it makes of the limits."""

from pathlib import Path

import pytest

from evenhand.cli.composition import policy_settings, scheduler_settings
from evenhand.cli.config import Config, ConfigurationError, load

SOUND = """\
engines: [{name: local, kind: embedded, models: [tiny]}]
tenants: [{name: acme}]
keys: [{key: env:CHAT_KEY, tenant: acme}]
policy: {preset: vtc, prediction: none}
limits: {queue_requests_max: 500, tenant_queue_requests_max: 20}
"""


def config_of(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "evenhand.yaml"
    file.write_text(text)
    return load(file)


def test_the_default_enforces_the_policy(tmp_path: Path) -> None:
    config = config_of(tmp_path, SOUND)
    assert config.mode == "enforce"
    settings = scheduler_settings(config)
    assert settings == policy_settings(config)
    assert settings.policy.name == "vtc"
    assert settings.limits.tenant_requests_max == 20
    assert settings.sheds


def test_observe_serves_a_plain_queue_and_tries_the_policy(tmp_path: Path) -> None:
    config = config_of(tmp_path, SOUND + "mode: observe\n")
    real, tried = scheduler_settings(config), policy_settings(config)
    assert (real.policy.name, tried.policy.name) == ("fcfs", "vtc")
    assert real.policy.prediction is tried.policy.prediction
    assert not real.sheds
    assert real.limits.requests_max == real.limits.tenant_requests_max == 500
    assert real.limits.bytes_max == real.limits.tenant_bytes_max
    assert (real.tenants, real.cost) == (tried.tenants, tried.cost)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (SOUND.replace("vtc", "fcfs") + "mode: observe\n", "policy.preset", "write `preset: vtc`"),
        (SOUND.replace("vtc", "rpm") + "mode: observe\n", "policy.preset", "in order of arrival"),
        (SOUND + "mode: watch\n", "mode", "one of enforce, observe"),
        (SOUND + "mode:\n", "mode", "one of enforce, observe"),
        (SOUND + "mode: [observe]\n", "mode", "one of enforce, observe"),
        (SOUND + "moed: observe\n", "moed", "did you mean mode?"),
    ],
    ids=["fcfs", "rpm", "unknown", "empty", "list", "mistyped"],
)
def test_what_makes_no_sense_is_explained(
    tmp_path: Path, text: str, place: str, words: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        config_of(tmp_path, text)
    (problem,) = caught.value.problems
    assert problem.where == place
    assert words in problem.message
