#!/bin/bash
#SBATCH --nodes=16
#SBATCH --gres=gpu:8
# a run as people write one: defaults, arrays, arithmetic, a branch, a function

GPUS_PER_NODE=8
NNODES=${NNODES:-16}
TP=${TP:-4}
PP=$((TP * 2))
SEQ=8192
FP8=true

DISTRIBUTED=(
    --nproc_per_node $GPUS_PER_NODE
    --nnodes $NNODES
    --node_rank ${SLURM_NODEID}   # this isn't known before it runs
)

MODEL="
    --num-layers 80 --hidden-size 8192 --ffn-hidden-size 28672 --num-attention-heads 64 \
    --group-query-attention --num-query-groups 8 --swiglu --normalization RMSNorm \
    --position-embedding-type rope --untie-embeddings-and-output-weights --disable-bias-linear \
    --vocab-size 128256
"

PRECISION=(--bf16)
if [ "$FP8" = true ]; then
    PRECISION+=("--fp8-format hybrid" --fp8-recipe tensorwise)
else
    PRECISION+=(--grad-reduce-in-bf16)
fi

case $TP in
    1) EXTRA= ;;
    *) EXTRA=--sequence-parallel ;;
esac

launch() {
    torchrun ${DISTRIBUTED[@]} pretrain_gpt.py $MODEL "${PRECISION[@]}" $EXTRA "$@" \
        --data-path $DATA --log-interval 1 --my-own-option 3
}

launch --tensor-model-parallel-size $TP --pipeline-model-parallel-size $PP \
    --num-layers-per-virtual-pipeline-stage 5 --use-distributed-optimizer --overlap-grad-reduce \
    --micro-batch-size 1 --global-batch-size $((16 * NNODES)) --seq-length $SEQ --train-samples 1_000_000 \
    --recompute-granularity full --recompute-method block --recompute-num-layers 1
