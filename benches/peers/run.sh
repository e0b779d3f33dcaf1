#!/usr/bin/env bash
# lepton and its peers in interleaved rounds, and the table of ratios:
#   benches/peers/run.sh [--quick] [--case PART[,PART]..]
# PART is a part of a case's name, such as gemm or ew_tanh. Environment: ROUNDS (3), THREADS ("1 2"),
# OUT (a fresh folder under target/peers), PYTHON and PEERS_BIN (an interpreter with torch, and the
# Rust peers, that are there already; else both are made here).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
parts=""
while [ $# -gt 0 ]; do
    case $1 in
    --quick) : "${ROUNDS:=1}" "${THREADS:=1}" ;;
    --case)
        parts=${parts:+$parts,}${2:?--case wants a part of a name}
        shift
        ;;
    *)
        echo "run.sh: unknown argument '$1'; usage: run.sh [--quick] [--case PART[,PART]..]" >&2
        exit 2
        ;;
    esac
    shift
done
: "${ROUNDS:=3}" "${THREADS:=1 2}" "${OUT:=$target/peers/$(date -u +%Y%m%dT%H%M%S)}"

# What is timed: built here unless it is named.
cargo build --release --quiet --manifest-path "$root/Cargo.toml" -p lepton-benches --bins
compare=$target/release/compare
bench=$target/release/lepton-bench
if [ -z "${PEERS_BIN:-}" ]; then
    CARGO_TARGET_DIR=$target/peers/build cargo build --release --manifest-path "$here/Cargo.toml"
    PEERS_BIN=$target/peers/build/release/peers
fi
if [ -z "${PYTHON:-}" ]; then
    PYTHON=$target/peers/venv/bin/python
    if ! "$PYTHON" -c 'import torch, onnxruntime, onnx' 2>/dev/null; then
        python3 -m venv "$target/peers/venv"
        "$PYTHON" -m pip install --quiet torch numpy onnxruntime onnx
    fi
fi

# Groups of cases: within one, all engines run within seconds or a minute of each other.
known=$("$compare" --list)
groups="fma_peak,stream gemm_f32_64,gemm_f32_128,gemm_f32_256,gemm_f32_skinny,batched gemm_f32_512,gemm_f64 gemm_f32_1024,gemm_f32_2048,gemm_f32_gemv
ew_add,ew_chain ew_exp,ew_tanh ew_gelu _4096x1024,transpose,gather conv,max_pool train_mlp,train_small,infer train_lenet,train_transformer qmm,linear"
wanted() { # the known cases with one of the parts $1 in their names, and one of --case
    grep -F "$(tr , '\n' <<<"$1")" <<<"$known" | grep -F "$(tr , '\n' <<<"$parts")" || true
}
mkdir -p "$OUT"
stamp=$("$bench" machine --id)
record() { # runs a command; appends its JSON lines, stamped with the machine, to the stream $1
    local out=$1
    shift
    "$@" 2>>"$OUT/errors.txt" | sed "s/}\$/,\"machine\":\"$stamp\"}/" >>"$OUT/$out.jsonl" ||
        echo "run.sh: '$1' failed; see $OUT/errors.txt" >&2
}
for round in $(seq 1 "$ROUNDS"); do
    for threads in $THREADS; do
        for group in $groups; do
            names=$(wanted "$group")
            case $group in fma_peak*) names=fma_peak ;; esac
            [ -n "$names" ] || continue
            echo "round $round of $ROUNDS, $threads thread(s): $(wc -w <<<"$names") cases of $group" >&2
            mapfile -t list <<<"$names"
            cases=()
            for name in "${list[@]}"; do cases+=(--case "$name"); done
            record lepton "$compare" --threads "$threads" "${cases[@]}"
            filter=$(tr '\n' , <<<"$names")
            case $group in fma_peak*) filter=$group ;; esac
            record rust "$PEERS_BIN" --threads "$threads" --case "${filter%,}"
            case $group in
            fma_peak*) ;;
            *) record python "$PYTHON" "$here/torch_bench.py" --threads "$threads" --case "${filter%,}" ;;
            esac
        done
    done
done
"$bench" ratios "$OUT"/*.jsonl | tee "$OUT/ratios.txt"
echo "the samples are in $OUT" >&2
