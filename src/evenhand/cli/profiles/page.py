"""The page `docs/profiles.md`, made from the profiles that ship."""

from evenhand.cli.profiles.portrait import engine_words, examples
from evenhand.sim.profile import EngineProfile, load_profile, shipped_profiles

_HEAD = """\
# Engine profiles

Generated from `src/evenhand/sim/profiles` by `make docs`; do not edit.

A profile is what the simulator knows of one engine: a model on some GPUs. `evenhand profiles` lists
them, `evenhand simulate ... --engine NAME` uses one, and a file of the same form does as well as a name.
`evenhand calibrate LOG --engine NAME` fits host time and efficiency to the log of an engine of yours and
writes such a file.

An iteration of `n` tokens, `R` decoding requests with `K` tokens of context in all, and prefill chunks
of `m` tokens takes, in milliseconds,

    T = t_host + t0 + (t_w^p + (c_t n)^p)^(1/p) + c_kv K + c_r R + c_a A,   A = sum of m (cached + m / 2)

`t_w` reads the weights, `c_t` is the arithmetic of a token, `c_kv` reads a token's keys and values,
`c_a` is attention in prefill, `p` rounds the corner between memory and arithmetic, `t_host` is the time
of schedulers and samplers that kernel tables do not see. An engine whose loop is `slora` runs prefills
apart: `t_host + c_t n` and some for each prompt, and its decode steps have no `c_t`.

The error is the mean over the measured points of |ours / measured - 1|. Where figures are a guess or an
estimate the profile says so. Absolute times to first token are the hardest to meet with any simulator:
compare policies by order and ratio.

## An engine of yours

```
evenhand calibrate LOG --engine h100-llama-3.1-8b --kv-blocks 27312 --output mine.yaml
evenhand golden vllm LOG --engine mine.yaml
```

The log is a gateway's (its lines `"event": "request"`; `--of NAME` picks one of several engines), or
one JSON object a line with vLLM's own times in seconds: `input_toks`, `output_toks`, `first_token_ts`,
`last_token_ts`, and `queued_ts` or `arrival_time`. Two numbers are fitted to the first half of it: host
time of a step, and how long all kernels take, times what the profile says; the second half tells how
good they are. Take a profile of the same model, and a log with prompts of many lengths and some load:
where all steps are alike, host time and kernels cannot be told apart, though their sum can. Read the
number of blocks (`num_gpu_blocks`) from the start of the engine's log: no figure matters more to an
engine whose memory is full. Requests that were not streamed, and those that did not complete, are left
out aloud; cached prompts count as computed.
"""


def profiles_text() -> str:
    """The page as Markdown."""
    shipped = [load_profile(name) for name in shipped_profiles()]
    rows = ["| profile | GPUs | model | cache, tokens | error |", "|---|---|---|---|---|"]
    rows += [
        f"| [`{p.name}`](#{p.name.replace('.', '')}) | {engine_words(p)} | {p.model} "
        f"| {p.kv_tokens:,} | {p.fit_error} |"
        for p in shipped
    ]
    return "\n".join([_HEAD, *rows, "", *(_section(profile) for profile in shipped)])


def _section(profile: EngineProfile) -> str:
    step = profile.step.model_dump(exclude_none=True, exclude_defaults=True)
    lines = [
        f"## {profile.name}\n",
        f"{profile.model} on {engine_words(profile)}, loop `{profile.loop}`.\n",
        f"Evidence: {profile.evidence}\n",
        f"Error: {profile.fit_error}\n",
        f"Cache: {profile.kv_tokens:,} tokens. {profile.kv_evidence}".rstrip() + "\n",
        "Step: " + ", ".join(f"`{name}` {value:g}" for name, value in step.items()) + ".\n",
        "That is " + ", ".join(f"{what} {ms:g} ms" for what, ms in examples(profile)) + ".\n",
    ]
    return "\n".join(lines)
