#!/usr/bin/env bash
# Run a module with what GPU kernels need: `benchmarks/gpu/run.sh pytest -m gpu`.
#
#   PYTHON    the interpreter; it has torch. By default python3
#   GPU_SITE  packages that it lacks: a folder, or an archive as `make gpu-site` makes it
#   BUILD     where compiled kernels are kept. By default build/gpu
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
build=${BUILD:-build/gpu}
mkdir -p "$build"

if [ -n "${GPU_SITE:-}" ]; then
    site=$GPU_SITE
    if [ -f "$site" ]; then
        site=$build/site
        if [ ! -d "$site" ] || [ "$GPU_SITE" -nt "$site" ]; then
            rm -rf "$site"
            mkdir -p "$site"
            tar xf "$GPU_SITE" -C "$site"
            touch "$site"
        fi
    fi
    export PYTHONPATH=$site${PYTHONPATH:+:$PYTHONPATH}
fi
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}

"$python" -c 'import torch, triton, flashinfer' || {
    echo "$python needs torch, triton and flashinfer: install hogdsl[gpu], or name a GPU_SITE" >&2
    exit 1
}
settings=$("$python" -m benchmarks.gpu.toolkit "$build")
eval "$settings"
exec "$python" -m "$@"
