"""How today's models end their answers: nearly all endings are read, and none wrongly."""

import pytest

from dsbs.core.records import Completion, Example
from dsbs.tasks.parsing import parse_answer
from dsbs.tasks.prompts import load_task

WHY = "Ice is water that has frozen. Fire and steam give off heat."
CHOICES = ("fire", "ice", "steam", "red wine", "the U.S.")

CHOICE_ENDINGS = [
    "So the answer is (b) ice.",
    "So, the answer is (b) ice.",
    "**So the answer is (b) ice.**",
    "So the answer is **(b) ice**.",
    "So the answer is **(b)** ice.",
    "So the answer is *ice*.",
    "So the answer is: (b) ice",
    "So the answer is (B) Ice.",
    "so the answer is b.",
    "So the answer is B: ice.",
    "So the answer is B) ice.",
    "So the answer is option (b), ice.",
    'So the answer is "ice".',
    "So the answer is “ice”.",
    "So the answer is (b) the ice.",
    "So the answer is\n(b) ice.",
    "Therefore, the answer is **B**.",
    "Thus, the correct answer is (b) ice.",
    "The final answer is (b).",
    "**Answer: (b) ice**",
    "**Answer:** (b) ice",
    "### Answer\n(b) ice",
    "## Final Answer\n\n**(b) ice**",
    "**Final Answer:** B",
    "Final answer: B. ice",
    "Answer: [b] ice",
    "Answer: `ice`",
    "Answer: B — ice",
    "The answer is $\\boxed{B}$.",
    "The answer is $\\boxed{\\text{(b) ice}}$.",
    "\\[\\boxed{\\text{B}}\\]",
    "So the answer is (b) ice.</s>",
    "So the answer is (b) ice.<|im_end|>",
    "So the answer is (b) ice.<|eot_id|>\n",
    "So the answer is (b) ice.\n\nI hope this helps!",
    "So the answer is (b) ice. Let me know if you would like to know more.",
    "So the answer is (b) ice. It is the only solid one.",
    "So the answer is (b) ice, because it is frozen.",
    "So the answer is (b) ice.\n\nThe other options are not cold: fire and steam are ruled out.",
    "So the answer is (b) ice, not steam.",
    "I apologize for the confusion earlier. So the answer is (b) ice.",
    "The correct option is B.",
    "The correct choice is (b) ice.",
    "**(b) ice**",
    "B. ice",
    "So the answer is （b） ice。",
    'The question asks "so the answer is what"? So the answer is (b) ice.',
    "So the answer is (b) ice. **Final answer:** (b) ice",
    '{"rationale": "Ice is frozen.", "label": "ice"}',
    '```json\n{"rationale": "Ice is frozen.", "label": "(b) ice"}\n```',
    'Here is the JSON you asked for:\n{"rationale": "Ice is frozen.", "label": "B",}',
    "{'rationale': 'Ice is frozen.', 'label': 'ice'}",
    "<think>Maybe steam? So the answer is (c) steam. No, ice.</think>So the answer is (b) ice.",
]

CLASS_ENDINGS = [
    "So the answer is neutral.",
    "So, the answer is neutral.",
    "So the answer is Neutral",
    "So the answer is **neutral**.",
    "**So the answer is neutral.**",
    "So the **answer** is *neutral*.",
    "So the answer is: neutral",
    'So the answer is "neutral".',
    "So the answer is ‘neutral’.",
    "So the answer is `neutral`.",
    "So the answer is\nneutral.",
    "The answer is neutral.",
    "Therefore, the answer is NEUTRAL.",
    "Thus, the correct answer is neutral.",
    "Hence the final answer is neutral.",
    "Answer: neutral",
    "answer: Neutral.",
    "**Answer:** neutral",
    "**Answer: neutral**",
    "### Answer: neutral",
    "### Answer\nneutral",
    "**Final Answer**\n\nneutral",
    "Final answer: **neutral**",
    "Label: neutral",
    "**Label:** Neutral",
    "The label is neutral.",
    "The relationship is neutral.",
    "So it is neutral.",
    "So the hypothesis is neutral.",
    "The answer is $\\boxed{\\text{neutral}}$.",
    "$\\boxed{neutral}$",
    "So the answer is neutral.</s>",
    "So the answer is neutral<|im_end|>",
    "So the answer is neutral<|end_of_text|>",
    "So the answer is neutral.\n\nI hope this explanation helps!",
    "So the answer is neutral. Please let me know if you need anything else.",
    "So the answer is neutral, since nothing is said about it.",
    "So the answer is neutral because the text does not say so.",
    "So the answer is neutral (the text does not say).",
    "So the answer is neutral. This is neither entailment nor contradiction.",
    "So the answer is neutral, not contradiction.",
    "I'm sorry for the earlier mistake in format. So the answer is neutral.",
    "So the answer is most likely neutral.",
    "neutral",
    "**Neutral**",
    '{"rationale": "Nothing is said.", "label": "neutral"}',
    '```json\n{\n  "label": "Neutral",\n  "rationale": "Nothing is said."\n}\n```',
    'Sure! {"rationale": "Nothing is said.", "label": "neutral",} Done.',
    "<think>It could be entailment.</think>\n\nSo the answer is neutral.",
    "◁think▷Answer: entailment◁/think▷Answer: neutral",
]

EQUATION_ENDINGS = [
    "The answer is (48 / 6).",
    "The answer is ( 48 / 6 ).",
    "The answer is 48 / 6",
    "the answer is 48/6.",
    "The answer is: 48 / 6",
    "The answer is **48 / 6**.",
    "**The answer is 48 / 6.**",
    "The answer is `48 / 6`.",
    "The answer is 48 / 6 = 8.",
    "The answer is **48 / 6 = 8**.",
    "The answer is 48 / 6 = 8 rolls.",
    "The answer is 48 rolls / 6 trays = 8 rolls per tray.",
    "The answer is 48 ÷ 6.",
    "The answer is 48 ÷ 6 = **8** rolls.",
    "The answer is $48 / 6$.",
    "The answer is $48 \\div 6 = 8$.",
    "The answer is \\(48 \\div 6\\).",
    "The answer is \\[48 / 6 = 8\\]",
    "The answer is $\\frac{48}{6}$.",
    "The answer is $\\frac{48}{6} = 8$ rolls.",
    "The answer is $\\boxed{8}$.",
    "The answer is $\\boxed{48 / 6}$.",
    "\\[\\boxed{48 \\div 6 = 8}\\]",
    "The answer is $\\boxed{8 \\text{ rolls}}$.",
    "The answer is x = 48 / 6.",
    "The answer is 8.",
    "The answer is 8 rolls.",
    "The answer is **8** rolls.",
    "The answer is 8 (rolls).",
    "The answer is 8.0.",
    "The answer is 48 divided by 6.",
    "So, the final answer is 48 / 6.",
    "The correct answer is 8.",
    "Answer: 48 / 6",
    "**Answer:** 48 / 6",
    "### Answer\n48 / 6",
    "**Final Answer: 8**",
    "Final answer: 48 / 6 = 8",
    "The equation is 48 / 6.",
    "Equation: 48 / 6 = 8",
    "The answer is 48 / 6.</s>",
    "The answer is (48 / 6).<|im_end|>",
    "The answer is 48 / 6.\n\nI hope this helps!",
    "The answer is 48 / 6. Each tray holds the same number.",
    "The answer is 8, because 48 / 6 = 8.",
    "The answer is 8!",
    "The answer is 8 - that is the number on one tray.",
    "I apologize for the error above. The answer is 48 / 6.",
    "The answer is 48 / 6. **Final answer:** 8",
    '{"rationale": "Share them.", "label": "48 / 6"}',
    '{"rationale": "Share them.", "label": 8}',
    '```json\n{"rationale": "Share them.", "label": "(48 / 6)",}\n```',
    "<think>48 / 6 is 9? The answer is 9.</think>The answer is 48 / 6.",
]

CASES = [
    *[(task, ending) for task in ("cqa", "quickstart") for ending in CHOICE_ENDINGS],
    *[(task, ending) for task in ("anli1", "esnli") for ending in CLASS_ENDINGS],
    *[(task, ending) for task in ("svamp", "asdiv") for ending in EQUATION_ENDINGS],
]
TASKS = sorted({task for task, _ in CASES})
GOLD = {"choice": "ice", "class": "neutral", "equation": "( 48 / 6 )"}


@pytest.mark.parametrize("name", TASKS)
def test_at_least_95_of_100_endings_are_read_and_none_wrongly(name: str) -> None:
    from dsbs.tasks.parsing import correct

    task = load_task(name)
    example = Example("x", "train", {}, "What is cold?", CHOICES, GOLD[task.label.kind])
    endings = [ending for of, ending in CASES if of == name]
    assert len(endings) >= 40
    unread = []
    for ending in endings:
        text = (
            ending if ending.startswith(("{", "`", "<", "◁", "Here", "Sure")) else f"{WHY} {ending}"
        )
        if ending.startswith(("*", "#", "B.", "\\", "$", "neutral")):
            text = f"{WHY}\n\n{ending}"
        answer = parse_answer(task, example, Completion("x", text, "stop"))
        if not answer.label_usable:
            unread.append(ending)
            continue
        assert correct(task, example, answer), (ending, answer)
        if text.startswith(WHY):
            assert answer.rationale is not None, ending
            assert answer.rationale.startswith(WHY), ending
            assert "**" not in answer.rationale, (ending, answer.rationale)
    assert len(unread) <= 0.05 * len(endings), unread
