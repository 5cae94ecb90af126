"""The OpenAI wire format: bodies, events, usage, errors.

Lives here: what the bytes of both sides mean.
May import: `evenhand.model`, nothing else; no I/O, no third-party package.
Promises: a parser here is total: any bytes give a value or a refusal, never an exception.
"""
