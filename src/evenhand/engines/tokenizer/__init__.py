"""A prompt as the token ids that its engine will compute, where the model's tokenizer is configured.

Lives here: the chat template, the tokenizer, and the thread in which both run. `tokenizers` and `jinja2`
are an extra, imported when an engine names a tokenizer. Nothing is downloaded.
Promises: the ids are those of the engine, or there are none: what cannot be told exactly is left to be
compared as text (`tokenizer.md`).
"""

from evenhand.engines.tokenizer.prompt_tokenizer import PromptTokenizer, PromptTokens
from evenhand.engines.tokenizer.tokenizer_files import TokenizerError, load_tokenizer
from evenhand.engines.tokenizer.tokenizing import Tokenizing

__all__ = [
    "PromptTokenizer",
    "PromptTokens",
    "TokenizerError",
    "Tokenizing",
    "load_tokenizer",
]
