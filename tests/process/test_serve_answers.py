"""`evenhand serve` as a user meets it: it starts, answers, shows itself, and ends."""

from pathlib import Path

import pytest
import uvloop

from support.serve import configuration, embedded, gone, serving

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello there"}], "max_tokens": 8}


@pytest.mark.engine
def test_the_embedded_engine_answers_and_is_gone_afterwards(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(configuration(embedded()), folder=tmp_path) as served:
            answer = await served.post(CHAT)
            assert answer.status == 200
            assert answer.json["usage"]["completion_tokens"] <= 8
            stream = await served.stream(CHAT)
            assert (await stream.events())[-1] == b"[DONE]"
            await stream.close()
            (engine,) = served.children()
            assert await served.stop() == 0
            await gone(engine)
            print(served.output)

    uvloop.run(main())
