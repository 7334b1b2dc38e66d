"""A task as data: the content of a prompt file. `dsbs.tasks.prompts` reads and renders it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from dsbs.tasks.labels import LabelKind


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LabelForm(_Part):
    """What labels look like."""

    kind: LabelKind = Field(
        description="class: a fixed set. choice: options differ per row. equation: scored by value."
        " text: anything."
    )
    labels: tuple[str, ...] = Field((), description="the closed set of kind class")

    @model_validator(mode="after")
    def _closed_set(self) -> "LabelForm":
        if (self.kind == "class") != bool(self.labels):
            raise ValueError("labels are listed for kind 'class', and only there")
        if len(set(self.labels)) < len(self.labels):
            raise ValueError("a label is listed twice")
        return self


class PromptForm(_Part):
    """How an example stands in a prompt: Jinja2 over its fields, `input` and `options`.

    Every template of a task of kind `class` may use `labels`, its labels: `{{ labels }}` writes
    them with commas, and `{% for label in labels %}` goes through them.
    """

    instruction: str = Field("", description="stands once, before the demonstrations")
    system: str = Field(
        "",
        description="only for chat, in the system message behind the instruction: what to do, and "
        "how to end. A model that continues text learns both from the demonstrations",
    )
    question: str = Field(description="an example, its answer still open")
    answer: str = Field(
        description="how a demonstration is answered: over rationale, label and letter"
    )
    separator: str = Field("\n\n", description="stands between demonstrations")
    stop: tuple[str, ...] = Field((), description="generation stops at the first of these")
    zero_shot: str = Field(
        "",
        description="what to do, for prompts without demonstrations; default: by label kind",
    )
    hint: str = Field(
        "The right answer is {{ label }}.\n",
        description="shows the gold label before a question, on request",
    )


class AnswerForm(_Part):
    """Where the answer is in a completion: rationale before the marker, label after it."""

    marker: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        min_length=1,
        description="the words before a label, one or several; the first is the prompt's own",
    )
    ends: tuple[str, ...] = Field(
        (), description="the answer is over where the first of these begins"
    )

    @field_validator("marker")
    @classmethod
    def _not_blank(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(marker.strip() for marker in value):
            raise ValueError("a marker is empty")
        return value


class Columns(_Part):
    """Where a row's parts come from: the name of a column, or a Jinja2 template over columns."""

    fields: dict[str, str] = Field(description="the fields that templates use")
    choices: str | tuple[str, ...] | None = Field(
        None, description="one column with a list, or one column per option"
    )
    gold: str | None = Field(None, description="column of the gold label; may be absent or empty")
    gold_names: tuple[str, ...] = Field((), description="names of integer labels, in order")
    unreadable_gold: Literal["error", "none"] = Field(
        "error", description="what a gold label is that the task does not know: error, or none"
    )
    id: str | None = Field(
        None, description="column of the user's own ids; default: hashes of the content"
    )
    group: str | None = Field(
        None, description="rows of one group never come into different splits"
    )


class HubSource(_Part):
    """A data set for `datasets.load_dataset`: a name on the hub, or a local folder."""

    path: str = Field(description="its name on the hub, or the folder")
    name: str | None = Field(None, description="its configuration")
    revision: str | None = Field(None, description="its branch, tag or commit")
    splits: dict[str, str] = Field(description="train, validation, test -> the data set's split")
    columns: Columns | None = Field(None, description="default: the task's own columns")


class Release(_Part):
    """How the data set that accompanies the paper stores answers: `llm/<split>_CoT_<k>.json`."""

    rows_per_chunk: int = Field(gt=0, description="answers per file")


class Task(_Part):
    """Everything that dsbs knows about a task."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    version: int = Field(ge=1, description="rises whenever the prompt or the reading changes")
    title: str = ""
    source: str = Field("", description="where the data is from")
    licence: str = Field("", description="of the data and of the demonstrations")
    label: LabelForm
    input: str = Field(description="what the student reads (Jinja2 over fields and options)")
    prompt: PromptForm
    answer: AnswerForm
    demonstrations: tuple[dict[str, Any], ...] = Field(
        min_length=1, description="fields, choices, rationale and label of each example shown"
    )
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
            choices = shown.get("choices", [])
            if not isinstance(choices, list) or not all(isinstance(one, str) for one in choices):
                raise ValueError(f"choices of demonstration {number} are no list of texts")
        return value

    @model_validator(mode="after")
    def _choices_named(self) -> "Task":
        if (self.label.kind == "choice") != (self.columns.choices is not None):
            raise ValueError("columns.choices is given for label kind 'choice', and only there")
        return self

    def allowed(self, choices: tuple[str, ...]) -> tuple[str, ...]:
        """The labels that a row may have; () where the set is open. Two choices may be alike."""
        return choices if self.label.kind == "choice" else self.label.labels

    def guessable(
        self, input_text: str, choices: tuple[str, ...], *, scored: bool
    ) -> tuple[str, ...]:
        """The labels among which a student that has learned nothing can guess; () for none.

        Classes are known from training. The options of a row are known only to a student that reads
        all of them in its input, or whose label is read by scoring them.
        """
        allowed = self.allowed(choices)
        if self.label.kind != "choice" or scored:
            return allowed
        return allowed if all(choice in input_text for choice in choices) else ()
