"""The configuration that is in force, defaults filled in, as YAML."""

from decimal import Decimal

import yaml

from evenhand.cli.config.schema import Config


class _Plain(yaml.SafeDumper):
    """Numbers as people write them, and as the file is read: never with an exponent."""


def _number(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:float", f"{Decimal(repr(value)):f}")


_Plain.add_representer(float, _number)


def effective(config: Config) -> str:
    """`config` as a file that loads to an equal one. Secrets stand there as their references,
    which is all that a `Config` knows of them."""
    return yaml.dump(
        config.model_dump(mode="json"),
        Dumper=_Plain,
        sort_keys=False,
        allow_unicode=False,
        width=100,
    )
