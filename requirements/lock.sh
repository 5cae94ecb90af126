#!/bin/sh
# Re-resolves the hashed requirements from pyproject.toml, for every supported Python, without index URLs.
set -eu
cd "$(dirname "$0")/.."
compile() {
    out=$1; shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-annotate --no-emit-index-url --no-emit-find-links --output-file "requirements/$out.txt" "$@"
}
compile run pyproject.toml --extra embedded
compile build --group build
compile test --group test --constraint requirements/run.txt
compile lint --group lint --constraint requirements/run.txt --constraint requirements/test.txt
