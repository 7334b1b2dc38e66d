"""A task as data: what a prompt file holds. `dsbs.tasks.prompts` reads the file, renders it and hands out this value."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dsbs.tasks.labels import LabelKind


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LabelForm(_Part):
    """What labels look like: `choice` (options differ per row), `class` (a closed set), `equation`, `text`."""

    kind: LabelKind
    labels: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _closed_set(self) -> "LabelForm":
        if (self.kind == "class") != bool(self.labels):
            raise ValueError("labels are listed for kind 'class', and only there")
        if len(set(self.labels)) < len(self.labels):
            raise ValueError("a label is listed twice")
        return self


class PromptForm(_Part):
    """How an example stands in a prompt (Jinja2 over its fields, `input`, `options`), and where generation stops."""

    instruction: str = ""
    question: str
    answer: str = Field(
        description="how a demonstration is answered: over rationale, label and letter"
    )
    separator: str = "\n\n"
    stop: tuple[str, ...] = ()
    zero_shot: str = Field(
        "",
        description="what to do, for prompts without demonstrations; a text by label kind if empty",
    )
    hint: str = Field(
        "The right answer is {{ label }}.\n",
        description="shows the gold label before a question, on request",
    )


class AnswerForm(_Part):
    """Where the answer stands in a completion: the rationale before the marker, the label behind it."""

    marker: str = Field(min_length=1)
    ends: tuple[str, ...] = Field(
        (), description="the answer is over where the first of these begins"
    )


class Columns(_Part):
    """Where a row's parts come from. A value is a column's name, or a Jinja2 template over the columns."""

    fields: dict[str, str]
    choices: str | tuple[str, ...] | None = Field(
        None, description="one column with a list, or one column an option"
    )
    gold: str | None = Field(None, description="column of the gold label; may be absent or empty")
    gold_names: tuple[str, ...] = Field((), description="names of integer labels, in order")
    unreadable_gold: Literal["error", "none"] = Field(
        "error", description="a gold label that the task does not know"
    )
    id: str | None = Field(
        None, description="column of the user's own ids; content hashes where it is absent"
    )
    group: str | None = Field(
        None, description="rows of one group never come into different splits"
    )


class HubSource(_Part):
    """A data set for `datasets.load_dataset`: a hub name or a local folder. Columns default to the task's own."""

    path: str
    name: str | None = None
    revision: str | None = None
    splits: dict[str, str] = Field(description="train, validation, test -> the data set's split")
    columns: Columns | None = None


class Release(_Part):
    """How the data set that accompanies the paper stores answers: `llm/<split>_CoT_<k>.json`, this many a chunk."""

    rows_per_chunk: int = Field(gt=0)


class Task(_Part):
    """Everything dsbs knows of a task. `version` rises whenever prompt or normalisation change."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    version: int = Field(ge=1)
    title: str = ""
    source: str = ""
    licence: str = ""
    label: LabelForm
    input: str = Field(description="what the student reads (Jinja2 over fields and options)")
    prompt: PromptForm
    answer: AnswerForm
    demonstrations: tuple[dict[str, Any], ...] = Field(min_length=1)
    columns: Columns
    data: str | None = Field(
        None, description="folder with the rows, of a task whose rows travel with dsbs"
    )
    teacher: str | None = Field(
        None, description="folder of a model that travels with dsbs and answers this task"
    )
    student: str | None = Field(None, description="student to train where no other is named")
    release: Release | None = None
    hub: HubSource | None = None

    @field_validator("demonstrations")
    @classmethod
    def _answered(cls, value: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        for number, shown in enumerate(value, 1):
            for part in ("rationale", "label"):
                if not isinstance(shown.get(part), str) or not shown[part].strip():
                    raise ValueError(f"demonstration {number} has no {part}")
        return value

    @model_validator(mode="after")
    def _choices_named(self) -> "Task":
        if (self.label.kind == "choice") != (self.columns.choices is not None):
            raise ValueError("columns.choices is given for label kind 'choice', and only there")
        return self

    def allowed(self, choices: tuple[str, ...]) -> tuple[str, ...]:
        """The labels that a row may have: its choices (two may be alike), the task's labels, or () where the set is open."""
        return choices if self.label.kind == "choice" else self.label.labels
