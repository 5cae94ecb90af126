"""The configuration that is in force, defaults filled in, as YAML."""

import yaml

from evenhand.cli.config.schema import Config


def effective(config: Config) -> str:
    """`config` as a file that loads to an equal one. Secrets stand there as their references,
    which is all that a `Config` knows of them."""
    return yaml.safe_dump(
        config.model_dump(mode="json"), sort_keys=False, allow_unicode=False, width=100
    )
