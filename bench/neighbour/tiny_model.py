"""A tiny random Llama for vLLM: `PYTHON tiny_model.py FOLDER`, by a Python that has `transformers`.

Configuration and tokenizer alone: weights are drawn by vLLM (`--load-format dummy`). The tokenizer is
trained on the standard library's sources, and knows ASCII alone, so that every token is text that
can be streamed at once.
"""

import os
import string
import sys
from pathlib import Path

CONTEXT_TOKENS = 16_384
_HIDDEN, _LAYERS, _HEADS, _KV_HEADS, _VOCABULARY = 256, 4, 4, 2, 4096
_FILES = 80
_SPECIAL = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<pad>"]
_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def main(folder: Path) -> None:
    # These stand in vLLM's environment, not in ours; the length of a context is asked for in ours.
    from tokenizers import (  # noqa: PLC0415
        Tokenizer,
        decoders,
        models,
        pre_tokenizers,
        trainers,
    )
    from transformers import LlamaConfig, PreTrainedTokenizerFast  # type: ignore[attr-defined]  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    texts = [
        file.read_text(errors="ignore").encode("ascii", "ignore").decode()
        for file in sorted(Path(os.__file__).parent.glob("*.py"))[:_FILES]
    ]
    alphabet = [
        "Ġ" if c == " " else "Ċ" if c == "\n" else c
        for c in string.ascii_letters + string.digits + string.punctuation + " \n"
    ]
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY, special_tokens=_SPECIAL, initial_alphabet=alphabet
    )
    tokenizer.train_from_iterator(texts, trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **dict(zip(("bos_token", "eos_token", "pad_token"), ("<s>", "</s>", "<pad>"), strict=True)),
    )
    wrapped.chat_template = _TEMPLATE
    wrapped.model_max_length = CONTEXT_TOKENS
    wrapped.save_pretrained(folder)
    shape = LlamaConfig(
        hidden_size=_HIDDEN,
        intermediate_size=_HIDDEN * 3,
        num_hidden_layers=_LAYERS,
        num_attention_heads=_HEADS,
        num_key_value_heads=_KV_HEADS,
        vocab_size=len(wrapped),
        max_position_embeddings=CONTEXT_TOKENS,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=4,
        tie_word_embeddings=True,
        head_dim=64,
        dtype="bfloat16",
    )
    shape.architectures = ["LlamaForCausalLM"]
    shape.save_pretrained(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
