"""What a model reads and writes by transformers alone, of whatever version a process finds.

python written_tokens.py '[{"folder": "...", "texts": ["..."], "labels": ["bird", "mammal"]}]'
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def written_tokens(folder: Path | str, texts: Sequence[str], labels: Sequence[str]) -> Any:
    """The tokens of the texts, what follows them, and which label is likeliest behind each."""
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    found = []
    for text in texts:
        read = tokenizer(text, return_tensors="pt").input_ids
        targets = [tokenizer(label, return_tensors="pt").input_ids for label in labels]
        with torch.no_grad():
            written = model.generate(input_ids=read, do_sample=False, max_new_tokens=8)
            costs = [
                float(model(input_ids=read, labels=one).loss) * one.shape[1] for one in targets
            ]
        label = labels[costs.index(min(costs))]
        found.append({"read": read.tolist(), "written": written.tolist(), "label": label})
    return found


def main() -> None:
    import transformers

    found = [written_tokens(**asked) for asked in json.loads(sys.argv[1])]
    print(json.dumps({"version": transformers.__version__, "found": found}))


if __name__ == "__main__":
    main()
