"""What must hold between the issuers of tokens and the rest of the configuration."""

from collections.abc import Collection, Iterator

from evenhand.cli.config.identity import Claim, TokenIssuer
from evenhand.cli.config.problem import Finding, Place
from evenhand.cli.config.schema import Config
from evenhand.cli.config.tenants import walk
from evenhand.cli.config.words import nearest

_ROLES = ("viewer", "operator", "owner")


def check_issuers(config: Config) -> Iterator[Finding]:
    """All of them."""
    leaves = ["/".join(path) for _, path, tenant in walk(config.tenants) if not tenant.children]
    lanes = [lane.name for lane in config.lanes]
    models = {model for engine in config.engines for model in engine.models}
    names: set[str] = set()
    issuers: set[str] = set()
    for index, issuer in enumerate(config.identity.jwt):
        place: Place = ("identity", "jwt", index)
        if issuer.name in names:
            yield (*place, "name"), f"the name {issuer.name} is taken by another issuer: rename one"
        if issuer.issuer in issuers:
            message = "is another entry's too: one issuer has one entry"
            yield (*place, "issuer"), message
        names.add(issuer.name)
        issuers.add(issuer.issuer)
        yield from _check_issuer(place, issuer)
        yield from _outcomes(place, "tenant", issuer.tenant, set(leaves))
        yield from _outcomes(place, "role", issuer.role, set(_ROLES))
        yield from _outcomes(place, "lane", issuer.lane, set(lanes))
        if issuer.tenant is not None and issuer.lane is None and "default" not in lanes:
            yield (*place, "lane"), f"there is no lane default; {nearest('default', lanes)}"
        for position, model in enumerate(issuer.models):
            if model != "*" and model not in models:
                message = f"no engine serves {model}; {nearest(model, sorted(models))}"
                yield (*place, "models", position), message


def _check_issuer(place: Place, issuer: TokenIssuer) -> Iterator[Finding]:
    if (issuer.jwks_url is None) is (issuer.jwks_file is None):
        message = "give one of jwks_url and jwks_file: the keys by which its tokens are checked"
        yield (*place, "jwks_url"), message
    if issuer.tenant is None and issuer.role is None:
        message = "its tokens would open nothing: say which claim names the tenant, or the role"
        yield (*place, "tenant"), message


def _outcomes(
    place: Place, member: str, claim: Claim | None, known: Collection[str]
) -> Iterator[Finding]:
    """What a claim can come to must exist, as far as it is written here."""
    if claim is None:
        return
    said = [(("values", theirs), ours) for theirs, ours in claim.values.items()]
    if claim.default is not None:
        said.append((("default",), claim.default))  # type: ignore[arg-type] # a shorter place
    for where, value in said:
        if value not in known:
            message = f"there is no {member} {value}; {nearest(value, sorted(known))}"
            yield (*place, member, *where), message
