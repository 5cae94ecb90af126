"""An engine that batches as vLLM does: one step computes prefill chunks and decodes together."""
