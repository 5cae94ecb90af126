"""What a scripted engine counts, as vLLM does: prompts once for each choice when the first token comes,
tokens as they are produced."""

from support.engine_request import EngineRequest
from support.scripted_answer import prompt_tokens
from support.scripted_engine import ScriptedEngine


class Counters:
    """Set as `ScriptedEngine.counters`. `restart` begins anew, as another process would."""

    def __init__(self, engine: ScriptedEngine) -> None:
        self._engine = engine
        self._before = (0, 0)
        self.lost_output = 0
        """Fewer by so many than it has produced: a fault to be found."""

    def restart(self) -> None:
        """All that was counted is forgotten."""
        self._before = self._counted()

    @property
    def input_tokens(self) -> int:
        return self._counted()[0] - self._before[0]

    @property
    def output_tokens(self) -> int:
        return self._counted()[1] - self._before[1] - self.lost_output

    def text(self) -> str:
        """In Prometheus' format."""
        return (
            f"vllm:num_requests_running {self._engine.running}\n"
            "vllm:num_requests_waiting 0\n"
            f"vllm:prompt_tokens_total {self.input_tokens}\n"
            f"vllm:generation_tokens_total {self.output_tokens}\n"
        )

    def _counted(self) -> tuple[int, int]:
        asked = self._engine.requests
        return sum(map(_prompts, asked)), sum(request.tokens_produced for request in asked)


def _prompts(request: EngineRequest) -> int:
    """Of as many choices as have begun to be answered."""
    if not request.tokens_produced:
        return 0
    body = request.json
    return prompt_tokens(body) * min(int(body.get("n") or 1), request.tokens_produced)
