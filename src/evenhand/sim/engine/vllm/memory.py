"""Which blocks sequences hold, and what is remembered of them when they go."""

from evenhand.sim.engine.prefix_cache import BlockCache
from evenhand.sim.engine.vllm.sequence import Sequence
from evenhand.sim.profile import EngineProfile
from evenhand.workloads.ask import Segment

_MADE_UP = 1 << 62
"""Workloads do not number that many contents."""


class Memory:
    """The key-value cache of one engine. Whoever has no prompt to compare is not looked up, and its
    blocks age like all others."""

    def __init__(self, profile: EngineProfile) -> None:
        self.block_tokens = profile.block_tokens
        self.cache = BlockCache(profile.kv_tokens // profile.block_tokens, profile.block_tokens)
        self._remembers = profile.prefix_cache
        self._made_up = _MADE_UP

    def meet(self, sequence: Sequence) -> None:
        """Its job has not been here before: what it consists of."""
        ask = sequence.job.ask
        sequence.target = ask.input_tokens
        if self._remembers and ask.prompt:
            sequence.prompt = sequence.path = ask.prompt
            sequence.answer = ask.output_content

    def seat(self, sequence: Sequence) -> bool:
        """Give it blocks for all that it has to compute, after what is there already, of which the last
        token is computed in any case. False: not enough are idle, and nothing has changed."""
        cache, path = self.cache, sequence.path
        blocks = -(-sequence.target // self.block_tokens)
        if not path:
            if blocks > cache.idle:
                return False
            cache.take(blocks)
            sequence.computed = sequence.shared = 0
            return True
        node, tokens, idle = cache.find(path, sequence.target - 1)
        blocks -= tokens // self.block_tokens
        if blocks + idle > cache.idle:
            return False
        sequence.node = cache.hold(node, tokens)
        cache.take(blocks)
        sequence.computed = sequence.shared = tokens
        return True

    def share(self, sequence: Sequence) -> None:
        """All of its target will have been computed when the next step ends: from now on, whoever comes
        may use it."""
        if sequence.path:
            self._keep(sequence, sequence.target)

    def release(self, sequence: Sequence, computed: int) -> None:
        """It goes, with so many tokens computed."""
        is_whole = computed >= sequence.target
        blocks = -(-(computed if is_whole else sequence.target) // self.block_tokens)
        if sequence.path:
            if sequence.answer is not None:
                self._extend(sequence, computed)
                self._keep(sequence, computed)
            elif not is_whole:
                self._keep(sequence, computed)
        self.cache.release(sequence.node, blocks - sequence.shared // self.block_tokens)
        sequence.node = None

    def release_for_now(self, sequence: Sequence, computed: int) -> None:
        """It goes, and will come back for its tokens."""
        if self._remembers:
            if not sequence.path:
                sequence.prompt = sequence.path = (self._make_up(sequence.job.ask.input_tokens),)
                sequence.node = self.cache.hold(self.cache.root, 0)
            if sequence.answer is None:
                sequence.answer = self._make_up(0).content
        self.release(sequence, computed)
        sequence.target = sequence.job.ask.input_tokens + sequence.job.produced
        if self._remembers:
            self._extend(sequence, sequence.target)

    def _extend(self, sequence: Sequence, tokens: int) -> None:
        """Its path is that of so many tokens, if that is more than its prompt."""
        answered = tokens - sequence.job.ask.input_tokens
        if answered > 0:
            assert sequence.answer is not None
            sequence.path = (*sequence.prompt, Segment(sequence.answer, answered))

    def _keep(self, sequence: Sequence, tokens: int) -> None:
        tokens -= tokens % self.block_tokens
        if tokens > sequence.shared:
            assert sequence.node is not None
            sequence.node = self.cache.keep(sequence.node, sequence.path, tokens)
            sequence.shared = tokens

    def _make_up(self, tokens: int) -> Segment:
        """A content that no other prompt has."""
        self._made_up += 1
        return Segment(self._made_up, tokens)
