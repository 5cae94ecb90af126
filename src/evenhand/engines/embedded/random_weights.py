"""Random weights of the llama architecture in a GGUF file, which only ever say common words.

The end token is as good as impossible, so `max_tokens` decides how long an answer is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evenhand.engines.embedded.error import EmbeddedEngineError
from evenhand.engines.embedded.vocabulary import (
    BEGIN,
    CONTROLS,
    END,
    TURN_END,
    Vocabulary,
    english_vocabulary,
)

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFWriter
    from numpy.typing import NDArray

_CONTEXT_TOKENS_MAX = 131_072
_NORM_EPSILON = 1e-5
# One lane of the residual stream is the same for every token and no layer writes to it, so that
# its column in the output matrix is what this architecture lacks: a bias per output token.
_BIAS_LANE = 0
_BIAS_LANE_VALUE = 4.0
_UNWANTED_BIAS = -25.0
_CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """How much arithmetic a token costs. The default suits a demo on one core of a small machine."""

    hidden: int = 256
    layers: int = 4
    heads: int = 4
    feed_forward: int = 768
    seed: int = 0

    @property
    def name(self) -> str:
        """Equal names, equal files."""
        return f"h{self.hidden}-l{self.layers}-a{self.heads}-f{self.feed_forward}-s{self.seed}"


def write_random_model(path: Path, shape: ModelShape) -> None:
    """Write the GGUF file; equal shapes give equal bytes.

    Raises EmbeddedEngineError if `gguf` or `numpy` is missing, OSError if `path` cannot be written.
    """
    try:
        import gguf  # noqa: PLC0415 - an optional extra, and slow to import
        import numpy as np  # noqa: PLC0415 - the same
    except ImportError as error:
        raise EmbeddedEngineError(
            f"the random-weight model needs the package {error.name}: "
            "pip install 'evenhand[embedded]', or name a model file of your own"
        ) from error
    writer = gguf.GGUFWriter(path, "llama")
    try:
        _add_shape(writer, shape)
        vocabulary = english_vocabulary()
        _add_vocabulary(writer, vocabulary)
        for name, weights in _weights(np.random.default_rng(shape.seed), shape, vocabulary):
            writer.add_tensor(name, weights)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def _add_shape(writer: "GGUFWriter", shape: ModelShape) -> None:
    import gguf  # noqa: PLC0415 - an optional extra

    writer.add_name("Evenhand random weights")
    writer.add_context_length(_CONTEXT_TOKENS_MAX)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.hidden // shape.heads)
    writer.add_layer_norm_rms_eps(_NORM_EPSILON)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)


def _add_vocabulary(writer: "GGUFWriter", vocabulary: Vocabulary) -> None:
    import gguf  # noqa: PLC0415 - an optional extra

    tokens = vocabulary.tokens
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(list(tokens))
    writer.add_token_types(
        [gguf.TokenType.CONTROL if t in CONTROLS else gguf.TokenType.NORMAL for t in tokens]
    )
    writer.add_token_merges(list(vocabulary.merges))
    writer.add_bos_token_id(tokens.index(BEGIN))
    writer.add_eos_token_id(tokens.index(END))
    writer.add_eot_token_id(tokens.index(TURN_END))
    writer.add_add_bos_token(False)
    writer.add_chat_template(_CHAT_TEMPLATE)


def _weights(
    random: "np.random.Generator", shape: ModelShape, vocabulary: Vocabulary
) -> Iterator[tuple[str, "NDArray[np.generic]"]]:
    """Name and value of each tensor. Matrices are (to, from) and keep the variance of their input;
    what a layer adds is small, so that the stream stays what the tokens say."""
    import numpy as np  # noqa: PLC0415 - an optional extra

    hidden, inner, size = shape.hidden, shape.feed_forward, len(vocabulary.tokens)

    def matrix(rows: int, columns: int, gain: float = 1.0) -> "NDArray[np.float32]":
        values = random.standard_normal((rows, columns), dtype=np.float32)
        return values * np.float32(gain / columns**0.5)

    def adds_to_stream(columns: int) -> "NDArray[np.float16]":
        values = matrix(hidden, columns, gain=0.3)
        values[_BIAS_LANE] = 0
        return values.astype(np.float16)

    flat = np.ones(hidden, np.float32)
    embedding = matrix(size, hidden, gain=hidden**0.5)
    embedding[:, _BIAS_LANE] = _BIAS_LANE_VALUE
    output = matrix(size, hidden, gain=1.5)
    output[:, _BIAS_LANE] = _UNWANTED_BIAS
    output[list(vocabulary.words), _BIAS_LANE] = 0
    yield "token_embd.weight", embedding.astype(np.float16)
    yield "output_norm.weight", flat
    yield "output.weight", output.astype(np.float16)
    for layer in range(shape.layers):
        block = f"blk.{layer}"
        yield f"{block}.attn_norm.weight", flat
        yield f"{block}.ffn_norm.weight", flat
        for name in ("attn_q", "attn_k", "attn_v"):
            yield f"{block}.{name}.weight", matrix(hidden, hidden).astype(np.float16)
        yield f"{block}.attn_output.weight", adds_to_stream(hidden)
        for name in ("ffn_gate", "ffn_up"):
            yield f"{block}.{name}.weight", matrix(inner, hidden).astype(np.float16)
        yield f"{block}.ffn_down.weight", adds_to_stream(inner)
