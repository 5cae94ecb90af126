"""A whole vLLM with a tiny model in one process: answers, and the order in which they ended.

Usage: PYTHON vllm_in_process.py MODEL [SCHEDULER]; prints one line of JSON. A process of its own, since
an engine leaves much behind.
"""

import json
import os
import random
import sys
from typing import Any

ASKS = 16
FIRST_OF_B = 12
"""Who asks last."""
SEATS = 4


def main(model: str, scheduler: str | None) -> None:
    os.environ |= {
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    from vllm.entrypoints.llm import LLM  # noqa: PLC0415 - reads the environment
    from vllm.sampling_params import SamplingParams  # noqa: PLC0415

    more: dict[str, Any] = {}
    if scheduler is not None:
        told = {"evenhand": {"trust_hints": True}}
        more = {"scheduler_cls": scheduler, "additional_config": told}
    llm = LLM(
        model=model,
        skip_tokenizer_init=True,
        load_format="dummy",
        dtype="float32",  # so that no answer hangs on how a batch was rounded
        max_model_len=1024,
        max_num_seqs=SEATS,
        max_num_batched_tokens=128,
        block_size=32,
        enforce_eager=True,
        **more,
    )
    engine = llm.llm_engine
    dice = random.Random(1)
    for number in range(ASKS):
        tenant = "a" if number < FIRST_OF_B else "b"
        parameters = SamplingParams(
            max_tokens=dice.randint(8, 24),
            temperature=0,
            ignore_eos=True,
            detokenize=False,
            extra_args={"evenhand_tenant": tenant},
        )
        prompt = [dice.randrange(5, 4000) for _ in range(dice.randint(20, 200))]
        engine.add_request(f"{tenant}{number}", {"prompt_token_ids": prompt}, parameters)
    answers: dict[str, list[int]] = {}
    while engine.has_unfinished_requests():
        for output in engine.step():
            if output.finished:
                answers[output.request_id] = list(output.outputs[0].token_ids)
    inside = engine.engine_core.engine_core.scheduler
    found = {"scheduler": type(inside).__name__, "answers": answers}
    if scheduler is not None:
        core = inside.host.scheduler
        found["charged"] = {tenant: core.served_units((tenant,)) for tenant in ("a", "b")}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
