"""Every fault of a configuration is found on its line and explained in plain words."""

from pathlib import Path

import pytest

from evenhand.cli.config import Config, ConfigurationError, Problem, effective, load
from evenhand.cli.config.document import DEPTH_MAX, VALUES_MAX
from evenhand.cli.config.load import FILE_BYTES_MAX, PROBLEMS_MAX
from evenhand.cli.config.starter import STARTER
from evenhand.cli.config.tenants import TENANTS_MAX

SOUND = """\
listen: 127.0.0.1:8080
admin: {listen: 127.0.0.1:8081}
engines:
  - {name: local, kind: embedded, models: [tiny], slots: 6}
  - {name: gpu0, kind: vllm, url: "http://10.0.0.5:8000", models: [llama-3.1-8b]}
tenants:
  - name: acme
    children: [{name: search}, {name: support}]
  - name: globex
policy: {preset: vtc}
cost: {input: 10}
lanes: [{name: default}]
limits: {drain_s: 30}
keys:
  - {key: env:CHAT_KEY, tenant: acme/search}
  - {key: file:/run/secrets/globex, tenant: globex}
"""


def problems_of(tmp_path: Path, text: str | bytes) -> tuple[Problem, ...]:
    file = tmp_path / "evenhand.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigurationError) as caught:
        load(file)
    return caught.value.problems


def config_of(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "evenhand.yaml"
    file.write_text(text)
    return load(file)


def test_the_sound_file_loads_with_its_defaults(tmp_path: Path) -> None:
    config = config_of(tmp_path, SOUND)
    embedded, vllm = config.engines
    assert (embedded.window, vllm.window) == ("auto", "auto")
    assert config.keys[0].trust_domain == "acme"
    assert config.keys[0].tenant == ("acme", "search")
    assert config.keys[0].allows_all_models
    assert config.limits.head_timeout_s == 5
    assert str(config.keys[1].key) == "file:/run/secrets/globex"


def test_the_starter_is_sound(tmp_path: Path) -> None:
    assert len(config_of(tmp_path, STARTER).keys) == 3


@pytest.mark.parametrize("text", [SOUND, STARTER])
def test_the_effective_configuration_loads_to_an_equal_one(tmp_path: Path, text: str) -> None:
    config = config_of(tmp_path, text)
    assert config_of(tmp_path, effective(config)) == config


def test_names_that_other_yaml_readers_take_for_values_survive_the_round_trip(
    tmp_path: Path,
) -> None:
    names = ["no", "on", "1e5", "2024-01-01", "'10'", "1_0", "0x1F", "010", "y", "'null'", "'1.5'"]
    listed = ", ".join(f"{{name: {name}}}" for name in names)
    text = SOUND.replace(
        "  - name: globex", f"  - name: globex\n  - name: odd\n    children: [{listed}]"
    )
    config = config_of(tmp_path, text)
    found = [child.name for child in config.tenants[2].children]
    assert found == [name.strip("'") for name in names]
    assert config_of(tmp_path, effective(config)) == config


# What to replace in the sound file, by what, the line and place of the problem, words of it.
FAULTS: dict[str, tuple[str, str, int | None, str, str]] = {
    "section misspelt": ("policy:", "polic:", 10, "polic", "did you mean policy?"),
    "key misspelt": ("slots: 6", "slot: 6", 4, "engines[0].slot", "did you mean slots?"),
    "key unlike any": ("drain_s: 30", "zzz: 1", 13, "limits.zzz", "unknown key"),
    "key in a tenant": ("{name: search}", "{name: search, wait: 1}", 8,
                        "tenants[0].children[0].wait", "weight"),
    "listen is a number": ("listen: 127.0.0.1:8080", "listen: 8080", 1, "listen", "host:port"),
    "listen without host": ("127.0.0.1:8080", '":8080"', 1, "listen", "0.0.0.0:PORT"),
    "listen port too high": ("127.0.0.1:8080", "127.0.0.1:65536", 1, "listen", "65535"),
    "listen bare ipv6": ("listen: 127.0.0.1:8080", 'listen: "::1:80"', 1, "listen", "brackets"),
    "listen not ipv6": ("listen: 127.0.0.1:8080", 'listen: "[a]:80"', 1, "listen", "IPv6"),
    "listen odd host": ("127.0.0.1:8080", "a_b:80", 1, "listen", "host name"),
    "listen taken": ("127.0.0.1:8081", "127.0.0.1:8080", 2, "admin.listen", "another port"),
    "listen overlaps": ("listen: 127.0.0.1:8080", "listen: 0.0.0.0:8081", 2, "admin.listen",
                        "taken"),
    "admin open to the world": ("127.0.0.1:8081", "0.0.0.0:8081", 2, "admin.credential",
                                "env:EVENHAND_ADMIN_KEY"),
    "admin is a text": ("{listen: 127.0.0.1:8081}", "yes", 2, "admin", "a mapping"),
    "kind unknown": ("kind: embedded", "kind: embeded", 4, "engines[0].kind", "mean embedded?"),
    "kind missing": ("kind: embedded, ", "", 4, "engines[0].kind", "is missing"),
    "kind is a list": ("kind: embedded", "kind: [embedded]", 4, "engines[0].kind", "one of"),
    "kind is null": ("kind: embedded", "kind: null", 4, "engines[0].kind", "one of"),
    "kind is a number": ("kind: vllm", "kind: 1", 5, "engines[1].kind", "one of"),
    "engine is a text": ("  - {name: local, kind: embedded, models: [tiny], slots: 6}", "  - local",
                         4, "engines[0]", "a mapping"),
    "engines is a mapping": ("lanes: [{name: default}]", "lanes: {name: default}", 12, "lanes",
                             "a list of 1 to 64, not a mapping"),
    "embedded with url": ("slots: 6", "url: http://a", 4, "engines[0].url", "change the kind"),
    "embedded with api key": ("slots: 6", "api_key: env:A", 4, "engines[0].api_key", "no api_key"),
    "metrics of an engine that is not asked": (
        "kind: vllm", "kind: openai, metrics_url: http://a", 5, "engines[1].metrics_url", "not asked"
    ),
    "hints for whom there is none": (
        "kind: vllm", "kind: openai, fair_scheduler: true", 5, "engines[1].fair_scheduler", "kind openai"
    ),
    "hints sealed that are not given": (
        "kind: vllm", "kind: vllm, hints_secret: env:X", 5, "engines[1].hints_secret",
        "fair_scheduler: true",
    ),
    "metrics with signals off": (
        "kind: vllm", "kind: vllm, signals: off, metrics_url: http://a", 5, "engines[1].metrics_url",
        "`signals` is off",
    ),
    "metrics where no engine can be": (
        "kind: vllm", "kind: vllm, metrics_url: http://169.254.1.1", 5, "engines[1].metrics_url",
        "link-local",
    ),
    "url missing": ('url: "http://10.0.0.5:8000", ', "", 5, "engines[1].url", "add `url: ...`"),
    "url with password": ("http://10", "http://u:canary@10", 5, "engines[1].url", "api_key"),
    "engine name missing": ("name: local, ", "", 4, "engines[0].name", "add `name: ...`"),
    "engine name odd": ("name: local", "name: a b", 4, "engines[0].name", "not the text 'a b'"),
    "engine name taken": ("name: gpu0", "name: local", 5, "engines[1].name", "rename"),
    "engine name empty": ("name: local", "name: ", 4, "engines[0].name", "not empty (null)"),
    "no models": ("models: [tiny]", "models: []", 4, "engines[0].models", "not a list of 0"),
    "models is a text": ("models: [tiny]", "models: tiny", 4, "engines[0].models", "a list"),
    "model repeated": ("[tiny]", "[tiny, tiny]", 4, "engines[0].models[1]", "remove one"),
    "model is a star": ("[tiny]", "['*']", 4, "engines[0].models[0]", "a model name"),
    "model file empty": ("slots: 6", "model_file: ''", 4, "engines[0].model_file", ".gguf"),
    "pooling unknown": ("slots: 6", "embeddings: sum", 4, "engines[0].embeddings", "last, mean, cls"),
    "pooling of no file": ("slots: 6", "embeddings: model", 4, "engines[0].embeddings", "write last"),
    "embeddings of another's engine": ("kind: vllm", "kind: vllm, embeddings: last", 5,
                                       "engines[1].embeddings", "unknown key"),
    "number as text": ("slots: 6", "slots: '6'", 4, "engines[0].slots",
                       "a whole number from 1 to 256, not the text '6'"),
    "number too low": ("slots: 6", "slots: 0", 4, "engines[0].slots", "not 0"),
    "number too high": ("slots: 6", "slots: 257", 4, "engines[0].slots", "not 257"),
    "number enormous": ("slots: 6", "slots: " + "9" * 80, 4, "engines[0].slots", "so large"),
    "number with a fraction": ("slots: 6", "slots: 6.0", 4, "engines[0].slots", "not 6.0"),
    "number is null": ("slots: 6", "slots: null", 4, "engines[0].slots", "not empty (null)"),
    "number is true": ("slots: 6", "slots: true", 4, "engines[0].slots", "not true"),
    "nullable number": ("slots: 6", "threads: 0", 4, "engines[0].threads", "or null, not 0"),
    "seconds as text": ("drain_s: 30", "drain_s: 30s", 13, "limits.drain_s", "a number"),
    "seconds true": ("drain_s: 30", "drain_s: true", 13, "limits.drain_s", "not true"),
    "seconds infinite": ("drain_s: 30", "drain_s: .inf", 13, "limits.drain_s", "a number"),
    "seconds negative": ("drain_s: 30", "drain_s: -0.5", 13, "limits.drain_s", "not -0.5"),
    "weight zero": ("{name: search}", "{name: search, weight: 0}", 8,
                    "tenants[0].children[0].weight", "1 to 10000"),
    "weight too high": ("- name: globex", "- {name: globex, weight: 10001}", 9,
                        "tenants[1].weight", "1 to 10000"),
    "tenant name with slash": ("- name: globex", "- name: glo/bex", 9, "tenants[1].name", "a name"),
    "tenant name too long": ("- name: globex", "- name: " + "g" * 65, 9, "tenants[1].name",
                             "not a text of 65 characters"),
    "siblings of one name": ("{name: support}", "{name: search}", 8, "tenants[0].children[1].name",
                             "acme/search already"),
    "secret in a wrong place": ("preset: vtc", "preset: canary-canary-16", 10, "policy.preset",
                                "not a text of 16 characters"),
    "preset unknown": ("preset: vtc", "preset: vtcc", 10, "policy.preset", "mean vtc?"),
    "prediction unknown": ("preset: vtc", "prediction: oracle", 10, "policy.prediction",
                           "running-mean"),
    "cost zero": ("input: 10", "output: 0", 11, "cost.output", "from 1 to 1000000"),
    "cached above input": ("input: 10", "cached_input: 11", 11, "cost.cached_input", "lower it"),
    "window of a word": ("slots: 6", "slots: 6, window: all", 4, "engines[0].window",
                         "must be auto, or a whole number from 1 to 100000"),
    "window of none": ("slots: 6", "slots: 6, window: 0", 4, "engines[0].window", "must be auto"),
    "bounds of a fixed window": (
        "slots: 6", "slots: 6, window: 6, window_max: 9", 4, "engines[0].window_max",
        "remove window_max, or write auto"),
    "least window above the most": (
        "slots: 6", "slots: 6, window_min: 9, window_max: 8", 4, "engines[0].window_min",
        "9 is more than window_max (8): lower it or raise that"),
    "no lanes": ("[{name: default}]", "[]", 12, "lanes", "not a list of 0"),
    "lane floor above ceiling": (
        "{name: default}", "{name: default, floor_percent: 51, ceiling_percent: 50}", 12,
        "lanes[0].floor_percent", "51 is more than ceiling_percent (50): lower it or raise that"),
    "lane floors above all": (
        "{name: default}", "{name: default, floor_percent: 60}, {name: b, floor_percent: 41}", 12,
        "lanes", "add up to 101 percent of the windows: lower them to 100 in all"),
    "lane for nothing": ("{name: default}", "{name: default, price_percent: 0}", 12,
                         "lanes[0].price_percent", "a whole number from 1 to 10000, not 0"),
    "lane repeated": ("[{name: default}]", "[{name: default}, {name: default}]", 12,
                      "lanes[1].name", "rename"),
    "lane unknown": ("tenant: globex", "tenant: globex, lane: defult", 16, "keys[1].lane",
                     "mean default?"),
    "tenant queue above queue": ("drain_s: 30", "queue_requests_max: 9", 13,
                                 "limits.tenant_queue_requests_max", "raise queue_requests_max"),
    "body above tenant queue": ("drain_s: 30", "tenant_queue_bytes_max: 1024", 13,
                                "limits.body_bytes_max", "raise"),
    "key is a literal": ("env:CHAT_KEY", "sk-canary-canary", 15, "keys[0].key",
                         "environment variable"),
    "key names no variable": ("env:CHAT_KEY", "env:sk-canary", 15, "keys[0].key", "env:NAME"),
    "key file is relative": ("file:/run", "file:run", 16, "keys[1].key", "begins with /"),
    "key is a mapping": ("env:CHAT_KEY", "{env: canary}", 15, "keys[0].key", "a reference"),
    "key missing": ("key: env:CHAT_KEY, ", "", 15, "keys[0].key", "is missing"),
    "key repeated": ("file:/run/secrets/globex", "env:CHAT_KEY", 16, "keys[1].key", "its own"),
    "key is the admin's": ("listen: 127.0.0.1:8081", "credential: env:CHAT_KEY", 15,
                           "keys[0].key", "admin credential"),
    "key's tenant unknown": ("acme/search", "acme/serch", 15, "keys[0].tenant",
                             "mean acme/search?"),
    "key's tenant not a leaf": ("tenant: acme/search", "tenant: acme", 15, "keys[0].tenant",
                                "acme/search"),
    "key's tenant odd": ("acme/search", "acme//search", 15, "keys[0].tenant", "slashes"),
    "key's tenant missing": (", tenant: globex", "", 16, "keys[1].tenant", "is missing"),
    "key's model unserved": ("tenant: globex", "tenant: globex, models: [tinny]", 16,
                             "keys[1].models[0]", "mean tiny?"),
    "key's models empty": ("tenant: globex", "tenant: globex, models: []", 16, "keys[1].models",
                           "not a list of 0"),
    "key's limit above all": ("tenant: globex",
                              "tenant: globex, limits: {output_tokens_max: 200000}", 16,
                              "keys[1].limits.output_tokens_max", "lower it"),
    "duplicate key": ("slots: 6", "slots: 6, slots: 7", 4, "engines[0].slots", "line 4 already"),
    "duplicate section": ("cost: {input: 10}", "policy: {a: [{b: c}]}", 11, "policy",
                          "line 10 already"),
    "anchor": ("{input: 10}", "&a {input: 10}", 11, "cost", "anchors"),
    "tag": ("{input: 10}", "!!python/object:os.system {input: 10}", 11, "cost", "tags"),
    "key is a list": ("{input: 10}", "{[a, b]: 10}", 11, "cost", "one word"),
    "bracket left open": ("[{name: default}]", "[{name: default}", 13, "", "brackets"),
    "tab": ("  - name: globex", "\t- name: globex", 9, "", "replace the tab"),
    "second document": ("policy:", "---\npolicy:", 10, "", "second document"),
    "control character": ("name: acme", "name: ac\x07me", 7, "", "U+0007"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_is_one_problem_on_its_line(tmp_path: Path, fault: str) -> None:
    found, put, line, where, words = FAULTS[fault]
    assert SOUND.count(found) >= 1, "the table is stale"
    problems = problems_of(tmp_path, SOUND.replace(found, put, 1))
    assert [(problem.line, problem.where) for problem in problems] == [(line, where)], problems
    assert words in problems[0].message
    assert "canary" not in problems[0].message
    assert "[type=" not in problems[0].message
    assert "Input should" not in problems[0].message


@pytest.mark.parametrize("section", ["engines", "tenants", "keys"])
@pytest.mark.parametrize("form", ["absent", "empty"])
def test_a_list_that_must_not_be_empty_is_asked_for(
    tmp_path: Path, section: str, form: str
) -> None:
    lines = SOUND.splitlines()
    first = lines.index(f"{section}:")
    last = first + 1
    while last < len(lines) and lines[last].startswith(" "):
        last += 1
    lines[first:last] = [] if form == "absent" else [f"{section}: []"]
    problems = problems_of(tmp_path, "\n".join(lines))
    assert any(p.where == section and "add at least one" in p.message for p in problems), problems


def test_a_lane_left_out_must_exist_too(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, SOUND.replace("[{name: default}]", "[{name: fast}]"))
    assert [(p.line, p.where) for p in problems] == [(15, "keys[0].lane"), (16, "keys[1].lane")]
    assert problems[0].message == "there is no lane default; known: fast"


def test_an_alias_is_refused_and_its_place_complained_about_once(tmp_path: Path) -> None:
    text = SOUND.replace("slots: 6", "slots: &s 6").replace("drain_s: 30", "drain_s: *s")
    assert [(p.line, p.where) for p in problems_of(tmp_path, text)] == [
        (4, "engines[0].slots"),
        (13, "limits.drain_s"),
    ]


def test_a_bomb_of_aliases_is_refused(tmp_path: Path) -> None:
    rows = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    problems = problems_of(tmp_path, "\n".join(rows))
    assert sum("aliases (" in problem.message for problem in problems) == 118


def test_all_problems_of_all_sections_are_reported_in_file_order(tmp_path: Path) -> None:
    text = SOUND
    for found, put in (
        ("listen: 127.0.0.1:8080", "listen: nowhere"),
        ("slots: 6", "slots: 0"),
        ("preset: vtc", "preset: [], presett: vtc"),
        ("input: 10", "input: 10, cached_input: 20"),
        ("tenant: acme/search", "tenant: acme, lane: slow"),
    ):
        text = text.replace(found, put, 1)
    assert [(p.line, p.where) for p in problems_of(tmp_path, text)] == [
        (1, "listen"),
        (4, "engines[0].slots"),
        (10, "policy.preset"),
        (10, "policy.presett"),
        (11, "cost.cached_input"),
        (15, "keys[0].tenant"),
        (15, "keys[0].lane"),
    ]


def test_thousands_of_problems_are_cut_with_a_word(tmp_path: Path) -> None:
    text = SOUND + "".join(f"  - {{key: env:K{n}, tenant: t{n}}}\n" for n in range(1000))
    problems = problems_of(tmp_path, text)
    assert len(problems) == PROBLEMS_MAX + 1
    assert "correct these first" in problems[0].message


def nested(levels: int) -> str:
    tree = "{name: leaf}"
    for level in range(levels - 1, 0, -1):
        tree = f"{{name: l{level}, children: [{tree}]}}"
    return SOUND.replace("  - name: globex", f"  - {tree}\n  - name: globex")


def test_the_tree_of_tenants_is_eight_levels_deep_at_most(tmp_path: Path) -> None:
    config_of(tmp_path, nested(levels=8))
    (problem,) = problems_of(tmp_path, nested(levels=9))
    assert (problem.line, problem.where.count("children")) == (9, 8)
    assert "flatten" in problem.message


def test_nesting_without_end_is_refused_before_it_costs(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, "engines: " + "[" * 100_000)
    assert len(problems) == 1
    assert f"{DEPTH_MAX} levels" in problems[0].message


def test_values_without_end_are_refused(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, "engines: [" + "1," * VALUES_MAX + "]")
    assert f"more than {VALUES_MAX} values" in problem.message


def test_a_hundred_thousand_tenants_load_and_one_more_is_refused(tmp_path: Path) -> None:
    many = "".join(f"  - {{name: t{n}, weight: 2}}\n" for n in range(TENANTS_MAX - 4))
    text = SOUND.replace("  - name: globex\n", f"  - name: globex\n{many}")
    config_of(tmp_path, text)
    (problem,) = problems_of(tmp_path, text.replace("{name: support}", "{name: b}, {name: c}"))
    assert (problem.line, problem.where) == (6, "tenants")
    assert f"more than {TENANTS_MAX} tenants" in problem.message


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"", None, "empty"),
        (b"# only a comment\n", None, "empty"),
        (b"- a\n- b\n", 1, "mapping"),
        (b"just words\n", 1, "mapping"),
        (b"listen: a\n\xff\xfe\n", 2, "UTF-8"),
        (b"#" * (FILE_BYTES_MAX + 1), None, "larger"),
        (b"listen: 'open\n", 2, "quotes"),
        (b'listen: "\\q"\n', 1, "quotes"),
        (b"a: b: c\n", 1, "colons"),
        (b"%YAML 9.9\n--- a\n", 1, "YAML"),
        (b"? [a]\n: b\n", 1, "one word"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, content: bytes, line: int | None, words: str
) -> None:
    problem = problems_of(tmp_path, content)[0]
    assert problem.line == line
    assert words in problem.message


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "evenhand.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + SOUND.encode())
    load(file)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no such file.*evenhand init"):
        load(tmp_path / "none.yaml")
    with pytest.raises(ConfigurationError, match=r"cannot be read \(Is a directory\)"):
        load(tmp_path)


def test_a_key_that_could_be_a_pasted_secret_is_not_repeated(tmp_path: Path) -> None:
    canary = "a1b2c3" * 8
    for found, put in (
        ("env:CHAT_KEY", f"{{{canary}: 1}}"),
        ("input: 10", f"{canary}: 10"),
        ("keys:", f"? [{canary}]\n: 1\nkeys:"),
        ("{listen: 127.0.0.1:8081}", canary),
        ("[tiny]", canary),
        ("http://10", f"http://{canary}@10"),
        ("input: 10", f"{canary}: 10, {canary}: 11"),
    ):
        for problem in problems_of(tmp_path, SOUND.replace(found, put, 1)):
            assert canary not in str(problem)
