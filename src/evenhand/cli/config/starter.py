"""The file that `evenhand init` writes: small, commented, valid."""

STARTER = """\
# Evenhand: fair shares of one LLM cluster for many tenants.
# `evenhand check FILE` explains what is wrong here, or prints everything with its defaults.

listen: 127.0.0.1:8080          # where clients connect

admin:                          # health, metrics, live state
  listen: 127.0.0.1:8081        # loopback only; elsewhere it needs a credential:
  # credential: env:EVENHAND_ADMIN_KEY

engines:
  # An engine that Evenhand starts itself on this machine, to try things out. Its weights are
  # random: the words are noise, the timing is real. Name a GGUF file for real text.
  - name: local
    kind: embedded
    models: [tiny]              # what clients put into "model"
    slots: 4                    # requests computed at once
    # model_file: /models/some-model.gguf

  # An engine of yours: kind is vllm, sglang, llamacpp, trtllm or openai (anything compatible).
  # - name: gpu0
  #   kind: vllm
  #   url: http://10.0.0.5:8000
  #   models: [llama-3.1-8b]
  #   window: auto              # what it computes at once; the others wait here, in fair order
  #   api_key: env:VLLM_KEY

# Who shares, and how: acme gets twice what globex gets while both have work waiting. Inside acme,
# search and support share evenly. What one leaves idle flows to the others.
tenants:
  - name: acme
    weight: 2
    children:
      - name: search
      - name: support
  - name: globex
    weight: 1
    children:
      - name: batch

policy:
  preset: vtc                   # `evenhand policies` lists the others; fcfs is the control
# mode: observe                 # order of arrival too, with a report of what the policy would change

state:
  folder: evenhand-state        # usage survives a restart; made at first start, beside this file

# What tokens cost in money, per million; one price for each model.
# prices:
#   currency: EUR
#   models:
#     - {model: tiny, input: 0.15, cached_input: 0.03, output: 0.6}

# What tenants and keys may use each day, week or month; hard (refused beyond it) or soft (lowest lane).
# budgets:
#   - {tenant: acme, period: month, spend_max: 500}
#   - {tenant: globex/batch, period: day, tokens_max: 2000000, mode: soft}

cost:                           # service units per token: what shares are counted in
  input: 10
  cached_input: 1
  output: 20

# What calls are expected to use, in these units; read by the policies wsc and fairserve, which learn it
# of applications that are not listed.
# applications:
#   - {name: chat, expected_units: 20000}

lanes:                          # classes of service
  - name: default
    queue_wait_s_max: 120       # seconds a request may wait
  # - name: batch               # goes after the lanes above, and never starves; keys name it
  #   floor_percent: 10         # of all windows, which it can count on
  #   ceiling_percent: 60       # from here on the others go first
  #   price_percent: 50         # what its work counts against the share of the tenant

# API keys, never written here: env:NAME or file:/absolute/path says where each one is.
keys:
  - key: env:ACME_SEARCH_KEY
    tenant: acme/search
    application: chat
  - key: env:ACME_SUPPORT_KEY
    tenant: acme/support
  - key: env:GLOBEX_BATCH_KEY
    tenant: globex/batch
    models: [tiny]              # left out: every model
    limits:
      open_requests_max: 1000
      # spend_max: 50           # in all, in the currency of prices; tokens_max: 1000000 in tokens
# `evenhand keys create acme/search` makes more while the gateway runs; then this list may be left out.
"""

STARTER_KEYS = ("ACME_SEARCH_KEY", "ACME_SUPPORT_KEY", "GLOBEX_BATCH_KEY")
"""The environment variables that the starter refers to."""


def next_steps(file: str) -> str:
    """What to type after `evenhand init`; `file` is quoted for the shell."""
    exports = "\n".join(f"  export {name}=$(openssl rand -hex 24)" for name in STARTER_KEYS)
    return f"""\
Next:
{exports}
  evenhand check {file}
  evenhand serve {file}
and in another terminal, with the same {STARTER_KEYS[0]}:
  curl http://127.0.0.1:8080/v1/chat/completions \\
    -H "Authorization: Bearer ${STARTER_KEYS[0]}" -H "Content-Type: application/json" \\
    -d '{{"model": "tiny", "messages": [{{"role": "user", "content": "Hello"}}], "max_tokens": 20}}'
"""
