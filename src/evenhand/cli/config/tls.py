"""A `tls` section: the same for either listener."""

from pydantic import BaseModel

from evenhand.cli.config.scalars import SECTION, FileText


class Tls(BaseModel):
    """Certificate and key of a listener, as PEM files. Both are read again on SIGHUP and within seconds
    after they change; a pair that cannot serve is refused, and the one in force stays."""

    model_config = SECTION

    certificate: FileText
    """The chain, the server's own certificate first, then those that lead to a root."""
    key: FileText
    """Its private key, not encrypted. Others must not be able to read it; a group may."""
