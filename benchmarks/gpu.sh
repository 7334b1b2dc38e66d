#!/usr/bin/env bash
# What training and labelling do on one GPU, in at most 9 minutes:
#
#     bash benchmarks/gpu.sh                               # T5 v1.1 base, large, 3B; 11B where the card has 120 GB
#     DEVICE=cpu SHAPES=mini BATCH=4 bash benchmarks/gpu.sh    # the same in miniature, to try it out
#
# Tokens a second, share of the peak and memory of each shape; then, in one process per shape: ours against the plain
# recipe in bf16, labels a second, and one step's loss in fp32 on the device and on the CPU.
set -u
cd "$(dirname "$0")/.."
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" TOKENIZERS_PARALLELISM=false
python=${PYTHON:-python}
device=${DEVICE:-cuda}
shapes=${SHAPES:-base,large,3b}
batch=${BATCH:-64}
if [ "$device" = cuda ] && [ -z "${SHAPES:-}" ]; then
  gigabytes=$($python -c 'import torch; print(torch.cuda.get_device_properties(0).total_memory // 10**9)')
  [ "$gigabytes" -ge 120 ] && shapes=$shapes,11b  # with Adafactor; see benchmarks/device.py
fi
timeout 240 $python benchmarks/device.py --device "$device" --shapes "$shapes" --batch-size "$batch" --steps 2
for shape in ${shapes//,/ }; do
  [ "$shape" = 11b ] && continue
  timeout 95 $python benchmarks/gpu.py --device "$device" --shape "$shape" --batch-size "$batch"
done
