"""What must hold between the sections; each section alone is checked by its model."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from evenhand.cli.config.engines import EmbeddedEngine, UrlEngine
from evenhand.cli.config.keys import Key
from evenhand.cli.config.money_checks import check_budgets, check_key_budgets, check_prices
from evenhand.cli.config.policy_choice import choose
from evenhand.cli.config.problem import Finding, Place
from evenhand.cli.config.schema import Config
from evenhand.cli.config.tenants import TENANT_DEPTH_MAX, TENANTS_MAX, walk
from evenhand.cli.config.token_checks import check_issuers
from evenhand.cli.config.words import nearest
from evenhand.scheduling import PRESETS, TokenWeights
from evenhand.scheduling.order.round import quantum_tokens_min
from evenhand.wire.api_name import ApiName
from evenhand.wire.dialect import DIALECTS, EngineKind
from evenhand.wire.prefix_text import PREFIX_BYTES_MAX

_EXAMPLES = {
    "engines": "{name: local, kind: embedded, models: [tiny]}",
    "tenants": "{name: acme}",
    "keys": "{key: env:ACME_KEY, tenant: acme}",
}


def _check_presence(config: Config, section: str) -> Iterator[Finding]:
    if not getattr(config, section):
        yield (section,), f"there are none: add at least one, such as `- {_EXAMPLES[section]}`"


def _check_engines(config: Config) -> Iterator[Finding]:
    yield from _check_presence(config, "engines")
    yield from _repeated(("engines",), (engine.name for engine in config.engines))
    for index, engine in enumerate(config.engines):
        for position, model in _repetitions(engine.models):
            place = ("engines", index, "models", position)
            yield place, f"{model} is in the list already: remove one"
        yield from _check_window(("engines", index), engine)
        yield from _check_signals(("engines", index), engine)
        yield from _check_prompts(("engines", index), engine, config.engines[:index])
        yield from _check_hints(("engines", index), engine)
        yield from _check_kept(("engines", index), engine)
        yield from _check_gpu_price(("engines", index), engine, config)
        if not isinstance(engine, EmbeddedEngine) or engine.model_file is not None:
            continue
        if engine.embeddings == "model":
            message = "the random-weight model names no pooling: write last, or add a model_file"
            yield ("engines", index, "embeddings"), message


def _check_signals(place: Place, engine: EmbeddedEngine | UrlEngine) -> Iterator[Finding]:
    if isinstance(engine, EmbeddedEngine) or engine.metrics_url is None:
        return
    why = "`signals` is off" if engine.signals == "off" else "an engine of kind openai is not asked"
    if engine.signals == "off" or engine.kind == "openai":
        yield (*place, "metrics_url"), f"nothing is read there, as {why}: remove metrics_url"


def _check_window(place: Place, engine: EmbeddedEngine | UrlEngine) -> Iterator[Finding]:
    least, most = engine.window_min, engine.window_max
    if engine.window != "auto":
        for name, bound in (("window_min", least), ("window_max", most)):
            if bound is not None:
                message = f"only `window: auto` moves within bounds: remove {name}, or write auto"
                yield (*place, name), message
    elif least is not None and most is not None and least > most:
        message = f"{least} is more than window_max ({most}): lower it or raise that"
        yield (*place, "window_min"), message


def _check_hints(place: Place, engine: EmbeddedEngine | UrlEngine) -> Iterator[Finding]:
    if isinstance(engine, EmbeddedEngine):
        return
    if engine.fair_scheduler and engine.kind != "vllm":
        message = f"there is none for an engine of kind {engine.kind} to be told of: remove it"
        yield (*place, "fair_scheduler"), message
    if engine.hints_secret is not None and not engine.fair_scheduler:
        message = "seals nothing without `fair_scheduler: true`: add that, or remove this"
        yield (*place, "hints_secret"), message


def _check_gpu_price(
    place: Place, engine: EmbeddedEngine | UrlEngine, config: Config
) -> Iterator[Finding]:
    if engine.gpu_hour_price is None:
        if engine.gpu_hour_currency is not None:
            message = "is of no price: add gpu_hour_price, or remove this"
            yield (*place, "gpu_hour_currency"), message
    elif engine.gpu_hour_currency is None and config.prices is None:
        message = "in which currency? Add gpu_hour_currency, or a section `prices` with one"
        yield (*place, "gpu_hour_price"), message


def _check_kept(place: Place, engine: EmbeddedEngine | UrlEngine) -> Iterator[Finding]:
    if isinstance(engine, EmbeddedEngine) or not engine.keeps_responses:
        return
    apis = engine.apis if engine.apis is not None else DIALECTS[EngineKind(engine.kind)].apis
    if ApiName.RESPONSES not in apis:
        message = (
            "it serves no responses that it could keep: add `responses` to apis, or remove this"
        )
        yield (*place, "keeps_responses"), message


def _check_prompts(
    place: Place,
    engine: EmbeddedEngine | UrlEngine,
    before: Iterable[EmbeddedEngine | UrlEngine],
) -> Iterator[Finding]:
    """How its prompts are compared, and whether all engines of its models compare them alike."""
    ways = _way_of_comparing(engine)
    tokenizer, chat_template = ways
    if isinstance(engine, UrlEngine):
        if engine.kv_events is not None and engine.kind not in ("vllm", "sglang"):
            message = f"an engine of kind {engine.kind} publishes none that are known: remove it"
            yield (*place, "kv_events"), message
        if engine.kv_events is not None and tokenizer is not None and len(engine.models) > 1:
            message = (
                "events do not say which of several models they are of: leave out the tokenizer"
            )
            yield (*place, "tokenizer"), message
    if chat_template is not None and tokenizer is None:
        message = "says nothing without the tokenizer: name that too, or remove this"
        yield (*place, "chat_template"), message
    for other in before:
        shared = sorted(set(other.models) & set(engine.models))
        if shared and _way_of_comparing(other) != ways:
            message = (
                f"{other.name} serves {shared[0]} too, and prompts of one model are compared in one way:"
                " give both the same tokenizer and chat_template, or neither"
            )
            yield (*place, "tokenizer"), message


def _way_of_comparing(engine: EmbeddedEngine | UrlEngine) -> tuple[Path | None, Path | None]:
    if isinstance(engine, EmbeddedEngine):
        return None, None
    return engine.tokenizer, engine.chat_template


def _check_lanes(config: Config) -> Iterator[Finding]:
    yield from _repeated(("lanes",), (lane.name for lane in config.lanes))
    for index, lane in enumerate(config.lanes):
        floor, ceiling = lane.floor_percent, lane.ceiling_percent
        if floor > ceiling:
            message = f"{floor} is more than ceiling_percent ({ceiling}): lower it or raise that"
            yield ("lanes", index, "floor_percent"), message
    floors = sum(lane.floor_percent for lane in config.lanes)
    if floors > 100:
        message = f"the floors add up to {floors} percent of the windows: lower them to 100 in all"
        yield ("lanes",), message
    if sum(lane.floor_percent for lane in config.lanes if lane.keep_floor_free) == 100:
        message = (
            "the floors that are kept free leave nothing to others: lower them below 100 in all"
        )
        yield ("lanes",), message


def _repeated(section: Place, names: Iterable[str]) -> Iterator[Finding]:
    for index, name in _repetitions(names):
        message = f"the name {name} is taken by another of the {section[0]}: rename one"
        yield (*section, index, "name"), message


def _repetitions(names: Iterable[str]) -> Iterator[tuple[int, str]]:
    seen: Counter[str] = Counter()
    for index, name in enumerate(names):
        seen[name] += 1
        if seen[name] > 1:
            yield index, name


def _check_tenants(config: Config) -> Iterator[Finding]:
    yield from _check_presence(config, "tenants")
    paths = set()
    for place, path, _ in walk(config.tenants):
        if path in paths:
            written = "/".join(path)
            yield (*place, "name"), f"there is a tenant {written} already: rename or merge them"
        paths.add(path)
        if len(path) == TENANT_DEPTH_MAX + 1:
            yield place, f"deeper than {TENANT_DEPTH_MAX} levels of tenants: flatten the tree"
        if len(paths) > TENANTS_MAX:
            yield ("tenants",), f"more than {TENANTS_MAX} tenants: split them over several gateways"
            return


def _check_cost(config: Config) -> Iterator[Finding]:
    cost = config.cost
    if cost.cached_input > cost.input:
        message = (
            f"{cost.cached_input} is more than input ({cost.input}): a cached token costs at most"
            " as much as a computed one, so lower it or raise input"
        )
        yield ("cost", "cached_input"), message


def policy_problems(config: Config) -> Iterator[Finding]:
    """What is wrong with the section `policy` alone."""
    policy, findings = choose(config.policy)
    yield from findings
    for name, value in policy.values().items() if policy is not None else ():
        if "quantum_" not in name:
            continue
        tokens, cost = config.limits.output_tokens_default, config.cost
        # What a cached token costs has no part in it, and may not be in order.
        weights = TokenWeights(input=cost.input, cached_input=0, output=cost.output)
        least = quantum_tokens_min(weights, tokens)
        if not name.endswith("_tokens"):
            least *= cost.input
        if value < least:
            message = (
                f"{value} is less than one request costs with limits.output_tokens_default ({tokens})"
                f" tokens of output: no turn would let it through, so write {least} or more"
            )
            yield ("policy", "settings", name), message


def _check_applications(config: Config) -> Iterator[Finding]:
    yield from _repeated(
        ("applications",), (application.name for application in config.applications)
    )
    policy, _ = choose(config.policy)
    if config.applications and policy is not None and not policy.reads_application_units:
        readers = [name for name, preset in PRESETS.items() if preset.reads_application_units]
        message = (
            f"{config.policy.preset} does not ask what applications are expected to use: remove the"
            f" section, or choose {' or '.join(readers)}"
        )
        yield ("applications",), message


def _check_key_applications(config: Config) -> Iterator[Finding]:
    if config.state is not None:
        return  # keys of the database may name them
    named = dict.fromkeys(key.application for key in config.keys)
    for index, application in enumerate(config.applications):
        if application.name not in named:
            hint = nearest(application.name, named)
            message = f"no key is of an application {application.name}; {hint}"
            yield ("applications", index, "name"), message


def _check_mode(config: Config) -> Iterator[Finding]:
    if config.mode != "observe":
        return
    policy, _ = choose(config.policy)
    if policy is not None and policy.order.name == "anyone" and policy.queue.name == "fifo":
        message = (
            "`mode: observe` serves in order of arrival already and needs a fair policy to compare"
            " with: write `preset: vtc`, or `mode: enforce`"
        )
        yield ("policy", "preset"), message


def _check_limits(config: Config) -> Iterator[Finding]:
    ordered = (
        ("tenant_queue_requests_max", "queue_requests_max"),
        ("tenant_queue_bytes_max", "queue_bytes_max"),
        ("body_bytes_max", "tenant_queue_bytes_max"),
        ("output_tokens_default", "output_tokens_max"),
        ("event_bytes_max", "answer_bytes_max"),
    )
    for lesser, greater in ordered:
        low, high = getattr(config.limits, lesser), getattr(config.limits, greater)
        if low > high:
            message = f"{low} is more than {greater} ({high}): lower it or raise {greater}"
            yield ("limits", lesser), message


def _check_prefix_room(config: Config) -> Iterator[Finding]:
    policy, _ = choose(config.policy)
    if policy is None or not policy.reads_prefix:
        return
    body, room = config.limits.body_bytes_max, config.limits.tenant_queue_bytes_max
    if body <= room < body + PREFIX_BYTES_MAX:
        message = (
            f"{config.policy.preset} compares prompts, so a request waits with up to"
            f" {PREFIX_BYTES_MAX} bytes of its text besides, which is more than tenant_queue_bytes_max"
            f" ({room}) in all: lower it or raise tenant_queue_bytes_max"
        )
        yield ("limits", "body_bytes_max"), message


def _check_listeners(config: Config) -> Iterator[Finding]:
    admin = config.admin
    if admin.listen.overlaps(config.listen):
        message = f"{admin.listen} is taken by listen ({config.listen}): choose another port"
        yield ("admin", "listen"), message
    if admin.credential is None and not admin.credentials and not admin.listen.is_loopback:
        message = (
            f"{admin.listen} is reachable from other machines and needs a credential: add"
            " `credential: env:EVENHAND_ADMIN_KEY`, or listen on 127.0.0.1"
        )
        yield ("admin", "credential"), message


def _check_admins(config: Config) -> Iterator[Finding]:
    names = ["admin", *(admin.name for admin in config.admin.credentials)]
    for index, name in _repetitions(names):
        message = f"the name {name} is taken by another credential: rename one"
        yield ("admin", "credentials", index - 1, "name"), message


def _check_keys(config: Config) -> Iterator[Finding]:
    references: dict[str, str] = {}
    if config.admin.credential:
        references[str(config.admin.credential)] = "the admin credential"
    for index, admin in enumerate(config.admin.credentials):
        reference, here = str(admin.credential), f"admin.credentials[{index}]"
        if reference in references:
            message = f"{reference} is {references[reference]} already: give each its own secret"
            yield ("admin", "credentials", index, "credential"), message
        references.setdefault(reference, here)
    for index, key in enumerate(config.keys):
        reference = str(key.key)
        if reference in references:
            message = f"{reference} is {references[reference]} already: give each its own secret"
            yield ("keys", index, "key"), message
        references.setdefault(reference, f"keys[{index}]")


def _check_key_presence(config: Config) -> Iterator[Finding]:
    if not config.keys and config.state is None:
        message = (
            f"there are none: add at least one, such as `- {_EXAMPLES['keys']}`, or add a `state` "
            "section and make keys with `evenhand keys create`"
        )
        yield ("keys",), message


def _check_key_amounts(config: Config) -> Iterator[Finding]:
    for index, key in enumerate(config.keys):
        highest, allowed = config.limits.output_tokens_max, key.limits.output_tokens_max
        if allowed is not None and allowed > highest:
            message = f"{allowed} is more than limits.output_tokens_max ({highest}): lower it"
            yield ("keys", index, "limits", "output_tokens_max"), message


def _check_key_tenants(config: Config) -> Iterator[Finding]:
    children = {path: tenant.children for _, path, tenant in walk(config.tenants)}
    for index, key in enumerate(config.keys):
        written, place = "/".join(key.tenant), ("keys", index, "tenant")
        if key.tenant not in children:
            leaves = ("/".join(path) for path, below in children.items() if not below)
            yield place, f"there is no tenant {written}; {nearest(written, leaves)}"
        elif below := children[key.tenant]:
            message = (
                f"{written} has children, and requests belong to a tenant without: name one of"
                f" them, such as {written}/{below[0].name}"
            )
            yield place, message


def _check_key_lanes(config: Config) -> Iterator[Finding]:
    lanes = [lane.name for lane in config.lanes]
    for index, key in enumerate(config.keys):
        if key.lane not in lanes:
            yield (
                ("keys", index, "lane"),
                f"there is no lane {key.lane}; {nearest(key.lane, lanes)}",
            )


def _check_key_models(config: Config) -> Iterator[Finding]:
    served = dict.fromkeys(model for engine in config.engines for model in engine.models)
    for index, key in enumerate(config.keys):
        for position, model in enumerate(key.models):
            place = ("keys", index, "models", position)
            if model in config.aliases:
                yield place, f"{model} is an alias: name the model, {config.aliases[model]}"
            elif model != "*" and model not in served:
                hint = nearest(model, served)
                yield place, f"no engine serves {model}; {hint} Else add it to an engine"


def _check_aliases(config: Config) -> Iterator[Finding]:
    """Each stands for a model that is served, and hides none."""
    served = dict.fromkeys(model for engine in config.engines for model in engine.models)
    for alias, model in config.aliases.items():
        place: Place = ("aliases", alias)
        if alias in served:
            yield place, f"an engine serves {alias} by that name: remove the alias, or rename it"
        elif model in config.aliases and model not in served:
            yield place, f"{model} is an alias itself: name the model that it stands for"
        elif model not in served:
            yield place, f"no engine serves {model}; {nearest(model, served)}"


_CHECKS: tuple[tuple[frozenset[str], Callable[[Config], Iterator[Finding]]], ...] = (
    (frozenset({"engines"}), _check_engines),
    (frozenset({"aliases", "engines"}), _check_aliases),
    (frozenset({"lanes"}), _check_lanes),
    (frozenset({"tenants"}), _check_tenants),
    (frozenset({"cost"}), _check_cost),
    (frozenset({"policy", "cost", "limits"}), policy_problems),
    (frozenset({"applications", "policy"}), _check_applications),
    (frozenset({"applications", "keys", "state"}), _check_key_applications),
    (frozenset({"mode", "policy"}), _check_mode),
    (frozenset({"limits"}), _check_limits),
    (frozenset({"limits", "policy"}), _check_prefix_room),
    (frozenset({"listen", "admin"}), _check_listeners),
    (frozenset({"identity", "tenants", "lanes", "engines"}), check_issuers),
    (frozenset({"admin"}), _check_admins),
    (frozenset({"keys", "admin"}), _check_keys),
    (frozenset({"keys", "state"}), _check_key_presence),
    (frozenset({"keys", "limits"}), _check_key_amounts),
    (frozenset({"keys", "tenants"}), _check_key_tenants),
    (frozenset({"keys", "lanes"}), _check_key_lanes),
    (frozenset({"keys", "engines", "aliases"}), _check_key_models),
    (frozenset({"prices", "engines"}), check_prices),
    (frozenset({"keys", "state", "prices", "engines"}), check_key_budgets),
    (frozenset({"budgets", "keys", "state", "prices", "engines", "tenants"}), check_budgets),
)
"""Each check with the sections it reads."""


def key_problems(config: Config, keys: Iterable[Key]) -> Iterator[Finding]:
    """What `config` has against keys that are not in it, each placed as `keys[n]` of these."""
    asked = config.model_copy(update={"keys": tuple(keys)})
    yield from _check_key_tenants(asked)
    yield from _check_key_lanes(asked)
    yield from _check_key_models(asked)
    yield from _check_key_amounts(asked)
    yield from check_key_budgets(asked)


def cross_checked(config: Config, unsound: frozenset[str]) -> Iterator[Finding]:
    """What contradicts between the sections of `config`; checks that read an `unsound` section,
    one whose own validation failed, are left out."""
    for sections, check in _CHECKS:
        if sections.isdisjoint(unsound):
            yield from check(config)
