"""What students must beat: the flags of `compare` about baselines. See docs/comparison.md."""

from pathlib import Path

from pydantic import Field, model_validator

from dsbs.config.base import Listed, StageConfig
from dsbs.core.records import Baseline


class BaselineOptions(StageConfig):
    """The baselines of a comparison, and what they need."""

    baselines: Listed[Baseline] = Field(
        ("majority", "tfidf"),
        description="what students must beat: majority, tfidf, embedding, input-ablated; "
        "an empty value for none",
    )
    baselines_only: bool = Field(False, description="measure the baselines and train no student")
    embedding_model: Path | None = Field(
        None, description="embedding: folder of an encoder whose sentence embeddings are used"
    )
    ablate_field: Listed[str] = Field(
        (), description="input-ablated: fields of the task that the linear model does not see"
    )

    @model_validator(mode="after")
    def _baselines_have_what_they_need(self) -> "BaselineOptions":
        """An encoder, hidden fields, and a baseline where there is no student."""
        if "embedding" in self.baselines and self.embedding_model is None:
            raise ValueError(
                "embedding_model: the folder of an encoder, which --baselines embedding needs"
            )
        if "input-ablated" in self.baselines and not self.ablate_field:
            raise ValueError("ablate_field: a field to hide, which --baselines input-ablated needs")
        if self.embedding_model is not None and "embedding" not in self.baselines:
            raise ValueError("embedding_model: embedding among --baselines, which alone uses it")
        if self.ablate_field and "input-ablated" not in self.baselines:
            raise ValueError("ablate_field: input-ablated among --baselines, which alone uses it")
        if self.baselines_only and not self.baselines:
            raise ValueError("baselines_only: at least one of --baselines")
        return self
