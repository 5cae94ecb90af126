#!/bin/sh
# Re-resolves the hashed requirements from pyproject.toml, for every supported Python, without index URLs.
set -eu
cd "$(dirname "$0")/.."
resolve() {
    out=$1; shift
    uv pip compile --quiet --python-version 3.11 --generate-hashes --no-header \
        --no-annotate --no-emit-index-url --no-emit-find-links --output-file "requirements/$out.txt" "$@"
}
compile() {
    resolve "$@" --universal
}
compile run pyproject.toml --extra embedded
compile build --group build
compile test --group test --group surface --constraint requirements/run.txt
compile lint --group lint --constraint requirements/run.txt --constraint requirements/test.txt
# The validator of FOCUS wants numpy 1, which is enough for what a statement needs.
resolve focus --python-platform x86_64-manylinux_2_28 pyproject.toml --group focus --group test \
    --extra parquet --override requirements/focus-apart.txt
# vLLM without a GPU. A CPU build of torch is on no index: UV_FIND_LINKS names a folder with its wheel.
linux="--python-platform x86_64-manylinux_2_28"
resolve vllm $linux pyproject.toml --group vllm --group test --override requirements/vllm-apart.txt
echo torch==2.13.0+cpu | resolve torch-cpu $linux --constraint requirements/vllm.txt -
echo torch==2.13.0 | UV_FIND_LINKS='' resolve torch-cuda $linux --constraint requirements/vllm.txt -
resolve transformers $linux pyproject.toml --group transformers --group test \
    --constraint requirements/torch-cpu.txt --constraint requirements/build.txt --override requirements/vllm-apart.txt
