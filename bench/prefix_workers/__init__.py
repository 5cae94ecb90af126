"""Long shared prefixes on four real engines behind a real gateway, by policy: `python -m
bench.prefix_workers`.

Four tenants ask about documents, many questions each; one of them has four times as many requests open
as the others. Four embedded engines (llama.cpp, random weights) compute for real, say how much of each
prompt was cached, and keep one prompt a slot. What is compared: how much is cached, how even the service
is, and how long the three others wait.
"""
