"""The semantic catalogue: every metric and every label, read from YAML and checked as a whole."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from semantic.expressions import ExpressionError, columns_of

SEMANTIC_FOLDER = Path(__file__).resolve().parent
VOCABULARY_FILE = "vocabulary.yaml"
# The field by which people know an item of a list.
_NAME_KEYS = ("name", "chart", "layer", "filter", "value")

SnakeCase = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9A-Fa-f]{6}$")]


class SemanticError(ValueError):
    """A metric or label that cannot be used; the message names file, entry, field and remedy."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Label(_Strict):
    """A name in both languages."""

    zh: Words
    en: Words


class Unit(Label):
    """A unit of measurement; `symbol` is what stands behind a figure and may be empty."""

    symbol: str


class ColumnTerm(Label):
    """The label of a column, the same in every mart that has it."""

    unit: SnakeCase | None = None


class ValueTerm(Label):
    """One value of a coded column and the words, and perhaps the prescribed colour, people see instead."""

    value: bool | int | str
    colour: Colour | None = None


class ValueTerms(_Strict):
    """All values of one coded column, in their natural order."""

    items: tuple[ValueTerm, ...]
    standard: Words | None = None
    clause: Words | None = None


class Vocabulary(_Strict):
    """Every Chinese label of the platform."""

    units: dict[SnakeCase, Unit]
    marts: dict[SnakeCase, Label]
    columns: dict[SnakeCase, ColumnTerm]
    values: dict[SnakeCase, ValueTerms]
    phrases: dict[SnakeCase, Label]


class CountedValue(_Strict):
    """The coded value that a metric counts, and whose prescribed colour it takes."""

    column: SnakeCase
    value: bool | int | str


class Metric(_Strict):
    """One figure: an SQL aggregate over the columns of a mart, with its meaning and its source in a standard."""

    name: SnakeCase
    label: Label
    unit: SnakeCase
    grain: tuple[SnakeCase, ...] = Field(min_length=1)
    expression: Words
    format: Words | None = None
    standard: Words | None = None
    clause: Words | None = None
    description: Label
    value_labels: SnakeCase | None = None
    counts: CountedValue | None = None

    @field_validator("expression")
    @classmethod
    def _is_an_aggregate(cls, value: str) -> str:
        try:
            columns_of(value)
        except ExpressionError as error:
            raise ValueError(str(error)) from error
        return " ".join(value.split())


class _MetricFile(_Strict):
    domain: SnakeCase
    metrics: tuple[Metric, ...]


@dataclass(frozen=True)
class Catalogue:
    """Everything the surfaces need to name and compute a figure.

    Attributes:
        vocabulary: labels of units, marts, columns, values and phrases.
        metrics: metrics by name, in the order of the files.
        domains: the domain (name of the file's subject) of each metric.
    """

    vocabulary: Vocabulary
    metrics: dict[str, Metric]
    domains: dict[str, str]

    def metrics_of(self, mart: str) -> list[Metric]:
        """Return the metrics whose grain is `mart`."""
        return [metric for metric in self.metrics.values() if mart in metric.grain]

    def symbol(self, unit: str | None) -> str:
        """Return the unit's symbol, empty where there is none."""
        return "" if unit is None else self.vocabulary.units[unit].symbol

    def column_title(self, column: str) -> str:
        """Return the Chinese heading of a column with its unit, e.g. `风速（m/s）`.

        Raises:
            SemanticError: the vocabulary has no such column.
        """
        term = self.vocabulary.columns.get(column)
        if term is None:
            raise SemanticError(
                f"{VOCABULARY_FILE}: columns: {column}: has no label; add `{column}: {{zh: …, en: …}}` under columns."
            )
        return _with_unit(term.zh, self.symbol(term.unit))

    def metric_title(self, metric: str) -> str:
        """Return the Chinese heading of a metric with its unit."""
        found = self.metrics[metric]
        return _with_unit(found.label.zh, self.symbol(found.unit))

    def metric_colour(self, metric: str) -> str | None:
        """Return the colour prescribed for what a metric counts, if any."""
        counted = self.metrics[metric].counts
        if counted is None:
            return None
        terms = self.vocabulary.values[counted.column].items
        return next((term.colour for term in terms if term.value == counted.value), None)

    def phrase(self, key: str) -> str:
        """Return the Chinese wording of a phrase of the screens.

        Raises:
            SemanticError: the vocabulary has no such phrase.
        """
        found = self.vocabulary.phrases.get(key)
        if found is None:
            raise SemanticError(
                f"{VOCABULARY_FILE}: phrases: {key}: is used but not written; add `{key}: {{zh: …, en: …}}`."
            )
        return found.zh


def _with_unit(words: str, symbol: str) -> str:
    return f"{words}（{symbol}）" if symbol else words


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML in which a key written twice is an error instead of the last one winning in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is written twice; keep one", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path) -> Any:  # noqa: ANN401 - YAML may hold anything; callers validate
    """Read one YAML file.

    Raises:
        SemanticError: the file is missing, is not YAML, or writes a key twice.
    """
    try:
        # The loader derives from SafeLoader: it builds plain values only.
        return yaml.load(path.read_text("utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506
    except FileNotFoundError as error:
        raise SemanticError(f"{path.name}: the file is missing in {path.parent}; restore it.") from error
    except yaml.YAMLError as error:
        raise SemanticError(f"{path.name}: is not valid YAML: {error}") from error


def explain(path: Path, content: Any, error: ValidationError) -> str:  # noqa: ANN401
    """Turn pydantic's findings into sentences that name file, entry and field.

    Args:
        path: the file that was read.
        content: what was read from it.
        error: the findings; an item of a list is called by the name it carries, not by its number.
    """
    sentences = []
    for finding in error.errors():
        place = ": ".join(_place(finding["loc"], content))
        message = finding["msg"].removeprefix("Value error, ")
        remedy = {
            "missing": "add the field",
            "extra_forbidden": "remove the field or correct its spelling",
        }.get(finding["type"], "correct the value")
        sentences.append(": ".join(part for part in (path.name, place, f"{message}; {remedy}.") if part))
    return "\n".join(sentences)


def _place(location: tuple[int | str, ...], content: Any) -> list[str]:  # noqa: ANN401
    names: list[str] = []
    here = content
    for part in location:
        if isinstance(part, int) and isinstance(here, list):
            here = here[part]
            called = [str(here[key]) for key in _NAME_KEYS if isinstance(here, dict) and key in here]
            names.append(called[0] if called else f"number {part + 1}")
        elif isinstance(here, dict) and part in here:
            here = here[part]
            names.append(str(part))
        elif part == location[-1]:
            names.append(str(part))
        # anything else is pydantic's name for a branch of a union, which means nothing to the reader
    return names


def _read_vocabulary(folder: Path) -> Vocabulary:
    path = folder / VOCABULARY_FILE
    content = read_yaml(path)
    try:
        vocabulary = Vocabulary.model_validate(content)
    except ValidationError as error:
        raise SemanticError(explain(path, content, error)) from error
    for column, term in vocabulary.columns.items():
        if term.unit is not None and term.unit not in vocabulary.units:
            raise SemanticError(
                f"{path.name}: columns: {column}: unit: {term.unit!r} is not among units; "
                f"add it there or use one of {', '.join(vocabulary.units)}."
            )
    for column, terms in vocabulary.values.items():
        if column not in vocabulary.columns:
            raise SemanticError(f"{path.name}: values: {column}: is not among columns; add its label there.")
        values = [term.value for term in terms.items]
        if len(set(values)) != len(values):
            raise SemanticError(f"{path.name}: values: {column}: a value stands twice; keep one.")
    return vocabulary


def _check_references(path: Path, metric: Metric, vocabulary: Vocabulary) -> None:
    place = f"{path.name}: metrics: {metric.name}"
    if metric.unit not in vocabulary.units:
        raise SemanticError(
            f"{place}: unit: {metric.unit!r} is not in {VOCABULARY_FILE}; add it under units "
            f"or use one of {', '.join(vocabulary.units)}."
        )
    for mart in metric.grain:
        if mart not in vocabulary.marts:
            raise SemanticError(f"{place}: grain: mart {mart!r} has no label; add it under marts in {VOCABULARY_FILE}.")
    if metric.value_labels is not None and metric.value_labels not in vocabulary.values:
        raise SemanticError(
            f"{place}: value_labels: {metric.value_labels!r} has no words; add it under values in {VOCABULARY_FILE}."
        )
    if metric.counts is not None:
        terms = vocabulary.values.get(metric.counts.column)
        if terms is None or metric.counts.value not in [term.value for term in terms.items]:
            raise SemanticError(
                f"{place}: counts: {metric.counts.column} has no value {metric.counts.value!r}; "
                f"add it under values in {VOCABULARY_FILE}, or correct it."
            )
    for column in columns_of(metric.expression):
        if column not in vocabulary.columns:
            raise SemanticError(
                f"{place}: expression: column {column!r} has no label; add it under columns in {VOCABULARY_FILE}, "
                "or correct the expression."
            )


def load_catalogue(folder: Path = SEMANTIC_FOLDER) -> Catalogue:
    """Read and check `vocabulary.yaml` and every file of `metrics/`.

    Args:
        folder: folder that holds both.

    Raises:
        SemanticError: something is missing, misspelt, written twice or refers to nothing; the message names
            file, metric, field and remedy.
    """
    vocabulary = _read_vocabulary(folder)
    metrics: dict[str, Metric] = {}
    homes: dict[str, str] = {}
    domains: dict[str, str] = {}
    paths = sorted((folder / "metrics").glob("*.yaml"))
    if not paths:
        raise SemanticError(f"{folder / 'metrics'}: holds no metric file; restore at least one.")
    for path in paths:
        content = read_yaml(path)
        try:
            file = _MetricFile.model_validate(content)
        except ValidationError as error:
            raise SemanticError(explain(path, content, error)) from error
        for metric in file.metrics:
            if metric.name in metrics:
                raise SemanticError(
                    f"{path.name}: metrics: {metric.name}: name: already defined in {homes[metric.name]}; "
                    "one figure has one definition: rename or remove one."
                )
            _check_references(path, metric, vocabulary)
            metrics[metric.name] = metric
            homes[metric.name] = path.name
            domains[metric.name] = file.domain
    return Catalogue(vocabulary=vocabulary, metrics=metrics, domains=domains)
