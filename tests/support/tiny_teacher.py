"""A decoder-only model of a few ten thousand parameters that has learned the zoo by heart, and
serves as a real teacher.
"""

import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional as F
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from dsbs.core.records import Example
from dsbs.data.load import load_data
from dsbs.tasks.prompts import load_task, prompt_prefix, render_answer, render_prompt
from support.zoo import Zoo

CHAT_TEMPLATE = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant]"


def fit_teacher(zoo: Zoo, folder: Path, *, steps: int = 120) -> None:
    """Train on prompts with their answers until greedy text is right, and save it as any hub model
    is saved.
    """
    task = load_task(str(zoo.task))
    prefix = prompt_prefix(task)
    examples = [e for rows in load_data(task, zoo.data).splits.values() for e in rows]

    def answer(example: Example) -> str:
        return (
            render_answer(task, example, zoo.reason(example), str(example.gold))
            + task.prompt.separator
        )

    documents = [render_prompt(task, example, prefix) + answer(example) for example in examples]
    tokenizer = _tokenizer(documents)
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=512,
            tie_word_embeddings=True,
            initializer_range=0.08,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    encoded = [
        (tokenizer(text).input_ids, len(tokenizer(answer(e)).input_ids))
        for text, e in zip(documents, examples, strict=True)
    ]
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    rng = random.Random(0)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 4e-3 * (1 - step / steps)
        batch = rng.sample(encoded, min(24, len(encoded)))
        width = max(len(row) for row, _ in batch)
        ids = torch.tensor(
            [[*row, *[tokenizer.pad_token_id] * (width - len(row))] for row, _ in batch]
        )
        labels = torch.full_like(ids, -100)
        for at, (row, said) in enumerate(batch):  # only the answer is learned
            labels[at, len(row) - said : len(row)] = ids[at, len(row) - said : len(row)]
        logits = model(ids).logits[:, :-1].flatten(0, 1)
        loss = F.cross_entropy(logits, labels[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "</s>"],
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>")
