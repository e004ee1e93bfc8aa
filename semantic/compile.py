"""The catalogue, compiled: Superset's dataset columns and metrics, the API's metric list, the glossary page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from semantic.catalogue import Catalogue, Metric, SemanticError, ValueTerms, load_catalogue

PARK_TIME_ZONE_NAME = "Asia/Shanghai"
GLOSSARY_FILE = Path(__file__).resolve().parent.parent / "docs" / "glossary.md"

# Superset's readers see a stored UTC time through this second column, in the park's own clock.
LOCAL_TIME_SUFFIX = "_local"
# … and a coded value through this one, in words.
LABEL_SUFFIX = "_label"

_TIMES = ("timestamptz", "timestamp with time zone")
_DATES = ("date", "timestamp", "timestamp without time zone", *_TIMES)
MartColumns = Mapping[str, Mapping[str, str]]


def is_instant(data_type: str) -> bool:
    """Tell whether a PostgreSQL type is an instant (stored in UTC)."""
    return data_type.lower() in _TIMES


def _literal(value: bool | int | str) -> str:  # noqa: FBT001
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def words_for(expression: str, terms: ValueTerms) -> str:
    """Return the SQL that turns a coded value into its Chinese words; an unknown code stays visible as itself."""
    cases = " ".join(f"WHEN {_literal(term.value)} THEN {_literal(term.zh)}" for term in terms.items)
    return f"CASE {expression} {cases} ELSE CAST({expression} AS TEXT) END"


def value_terms(catalogue: Catalogue, column: str) -> ValueTerms | None:
    """Return the words of a coded column; the names of marts are the words of `mart_name`."""
    if column == "mart_name":
        marts = catalogue.vocabulary.marts.items()
        return ValueTerms.model_validate(
            {"items": [{"value": name, "zh": label.zh, "en": label.en} for name, label in marts]}
        )
    return catalogue.vocabulary.values.get(column)


def metric_sql(catalogue: Catalogue, metric: Metric) -> str:
    """Return the SQL of a metric as people see it: coded results in words."""
    if metric.value_labels is None:
        return metric.expression
    return words_for(f"({metric.expression})", catalogue.vocabulary.values[metric.value_labels])


def dataset_columns(catalogue: Catalogue, columns: Mapping[str, str]) -> list[dict[str, Any]]:
    """Compile the columns of one mart into those of a Superset dataset.

    Args:
        catalogue: the semantic catalogue.
        columns: column name → PostgreSQL type, in the order of the mart.

    Returns:
        The columns of the mart with Chinese headings, then those we derive: `<column>_local` for instants
        (park time) and `<column>_label` for coded values (words).

    Raises:
        SemanticError: a column has no label.
    """
    stored: list[dict[str, Any]] = []
    derived: list[dict[str, Any]] = []
    for name, data_type in columns.items():
        title = catalogue.column_title(name)
        instant = is_instant(data_type)
        stored.append(
            _column(name, data_type.upper(), f"{title}（UTC）" if instant else title, description=name, expression=None)
        )
        if instant:
            expression = f"{name} AT TIME ZONE '{PARK_TIME_ZONE_NAME}'"
            derived.append(
                _column(name + LOCAL_TIME_SUFFIX, "TIMESTAMP", title, description=name, expression=expression)
            )
        terms = value_terms(catalogue, name)
        if terms is not None:
            expression = words_for(name, terms)
            derived.append(_column(name + LABEL_SUFFIX, "TEXT", title, description=name, expression=expression))
    return stored + derived


def _column(name: str, data_type: str, title: str, *, description: str, expression: str | None) -> dict[str, Any]:
    return {
        "column_name": name,
        "verbose_name": title,
        "type": data_type,
        "is_dttm": data_type.lower() in _DATES,
        "is_active": True,
        "groupby": True,
        "filterable": True,
        "expression": expression,
        "description": description,
    }


def dataset_metrics(catalogue: Catalogue, mart: str) -> list[dict[str, Any]]:
    """Compile the metrics of one mart into those of a Superset dataset."""
    return [
        {
            "metric_name": metric.name,
            "verbose_name": catalogue.metric_title(metric.name),
            "expression": metric_sql(catalogue, metric),
            "d3format": metric.format,
            "description": _with_source(metric),
        }
        for metric in catalogue.metrics_of(mart)
    ]


def _source(metric: Metric) -> str:
    return " ".join(part for part in (metric.standard, metric.clause) if part)


def _with_source(metric: Metric) -> str:
    source = _source(metric)
    return f"{metric.description.zh}（{source}）" if source else metric.description.zh


def metric_list(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Return every metric as plain values, in the order of the files, for the API."""
    return [
        {
            "name": metric.name,
            "domain": catalogue.domains[metric.name],
            "label_zh": metric.label.zh,
            "label_en": metric.label.en,
            "unit": metric.unit,
            "unit_symbol": catalogue.symbol(metric.unit),
            "grain": list(metric.grain),
            "expression": metric.expression,
            "format": metric.format,
            "standard": metric.standard,
            "clause": metric.clause,
            "description_zh": metric.description.zh,
            "description_en": metric.description.en,
        }
        for metric in catalogue.metrics.values()
    ]


def check_against_marts(catalogue: Catalogue, marts: MartColumns) -> None:
    """Check that every column of the marts is labelled.

    Raises:
        SemanticError: a column has no label; the message names mart and column.
    """
    for mart, columns in marts.items():
        for column in columns:
            if column not in catalogue.vocabulary.columns:
                raise SemanticError(
                    f"vocabulary.yaml: columns: {column}: of mart {mart} has no label; "
                    f"add `{column}: {{zh: …, en: …}}` under columns."
                )


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def glossary_page(catalogue: Catalogue) -> str:
    """Return the glossary in Markdown: metrics by domain, then columns, coded values and units."""
    lines = [
        "# 词汇表 Glossary",
        "",
        "Generated from `semantic/` by `python -m semantic.compile`; edit the YAML there, not this page.",
        "",
    ]
    for domain in dict.fromkeys(catalogue.domains.values()):
        lines += [f"## 指标 Metrics: `{domain}`", "", _row("指标", "Metric", "单位", "数据集", "说明", "依据")]
        lines.append(_row(*["---"] * 6))
        for metric in catalogue.metrics.values():
            if catalogue.domains[metric.name] != domain:
                continue
            unit = catalogue.vocabulary.units[metric.unit]
            lines.append(
                _row(
                    f"{metric.label.zh}<br>`{metric.name}`",
                    metric.label.en,
                    unit.symbol or unit.zh,
                    "<br>".join(f"`{mart}`" for mart in metric.grain),
                    f"{metric.description.zh}<br>{metric.description.en}",
                    _source(metric),
                )
            )
        lines.append("")
    lines += ["## 数据集 Marts", "", _row("数据集", "Mart", "名称"), _row(*["---"] * 3)]
    lines += [_row(label.zh, label.en, f"`{name}`") for name, label in catalogue.vocabulary.marts.items()]
    lines += ["", "## 字段 Columns", "", _row("字段", "Column", "名称", "单位"), _row(*["---"] * 4)]
    lines += [
        _row(term.zh, term.en, f"`{name}`", catalogue.symbol(term.unit))
        for name, term in catalogue.vocabulary.columns.items()
    ]
    lines += ["", "## 取值 Coded values", "", _row("字段", "值", "含义", "Meaning"), _row(*["---"] * 4)]
    for column, terms in catalogue.vocabulary.values.items():
        lines += [_row(f"`{column}`", f"`{term.value}`", term.zh, term.en) for term in terms.items]
    lines += ["", "## 单位 Units", "", _row("单位", "Unit", "符号", "名称"), _row(*["---"] * 4)]
    lines += [_row(unit.zh, unit.en, unit.symbol, f"`{name}`") for name, unit in catalogue.vocabulary.units.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    GLOSSARY_FILE.parent.mkdir(exist_ok=True)
    GLOSSARY_FILE.write_text(glossary_page(load_catalogue()), "utf-8")
