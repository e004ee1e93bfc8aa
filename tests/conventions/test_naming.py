"""The grammar of docs/naming.md, from the source file to the mart."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ingestion.source_file import load_sources
from quality.suites import load_suites

if TYPE_CHECKING:
    from tests.conventions.conftest import Repository

WORD = r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*"
SLUG = re.compile(rf"^{WORD}__{WORD}$")
CADENCES = ("hourly", "daily", "weekly", "monthly", "quarterly", "yearly", "latest")
IRREGULAR_PLURALS = ("people", "staff")
IRREGULAR_PARTICIPLES = ("built", "drawn", "found", "given", "held", "kept", "known", "met", "paid", "split", "written")
PLURAL = rf"(?:{WORD}s|(?:{WORD}_)?(?:{'|'.join(IRREGULAR_PLURALS)}))"
DONE = rf"(?:[a-z]+ed|{'|'.join(IRREGULAR_PARTICIPLES)})"
GRAMMAR = {
    "staging": re.compile(rf"^stg_{WORD}__{PLURAL}$"),
    "intermediate": re.compile(rf"^int_{WORD}__{PLURAL}_{DONE}(?:_by_{WORD})?$"),
    "marts": re.compile(rf"^(?:dim_{PLURAL}|fct_(?:{PLURAL}|{WORD}_(?:{'|'.join(CADENCES)})))$"),
    "standards": re.compile(rf"^std_(?:{PLURAL}|{WORD}_validity)$"),
    "rules": re.compile(rf"^rule_{PLURAL}$"),
    "reference": re.compile(rf"^ref_{PLURAL}$"),
}
SEEDS_WITHOUT_VALIDITY = {
    "ref_air_pollutants": "names and symbols of the six items; which items count, and since when, says std_aqi_items",
}
REF = re.compile(r"ref\(\s*['\"]([a-z0-9_]+)['\"]")
SOURCE = re.compile(r"source\(\s*['\"]([a-z0-9_]+)['\"]\s*,\s*['\"]([a-z0-9_]+)['\"]")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
UNIT_IN_NAME = {
    # A quantity says its unit in its name. Left of the colon: what the name begins or ends with when it forgot.
    "concentration": re.compile(r"^(?:so2|no2|co|o3|pm10|pm25)$"),
    "time without zone or day": re.compile(r"(?:^|_)(?:time|datetime|timestamp)$"),
    "energy without unit": re.compile(r"(?:^|_)energy(?:_use|_consumption)?$"),
    "value without currency": re.compile(r"(?:^|_)(?:output|sales|tax)_value$"),
}


@pytest.mark.parametrize(
    ("layer", "good", "bad"),
    [
        ("staging", "stg_iot_archive__air_readings", "stg_iot_archive_air_readings"),
        ("staging", "stg_legacy_contractor__staff", "stg_legacy_contractor__person"),
        ("intermediate", "int_vitals__stations_located", "int_vitals__station_located"),
        ("intermediate", "int_risk__inventories_summed_by_unit", "int_risk__inventories"),
        ("marts", "fct_air_quality_hourly", "fct_air_quality"),
        ("marts", "fct_major_hazard_assessments", "fact_major_hazard_assessments"),
        ("marts", "dim_monitoring_stations", "dim_monitoring_station"),
        ("standards", "std_ambient_limits", "ref_ambient_limits"),
        ("reference", "ref_zones", "ref_Zones"),
    ],
)
def test_the_grammar_itself(layer: str, good: str, bad: str):
    assert GRAMMAR[layer].match(good)
    assert not GRAMMAR[layer].match(bad)


def test_streams_have_one_slug():
    slugs = [source.slug(name) for source in load_sources().values() for name in source.streams]
    assert slugs
    assert len(set(slugs)) == len(slugs)
    assert not [slug for slug in slugs if not SLUG.match(slug)]


def test_models_and_seeds_follow_the_grammar(repository: Repository):
    # The name of a source's own stream is kept as it is: one slug from archive to screen comes before the plural.
    named_by_source = {f"stg_{source.slug(name)}" for source in load_sources().values() for name in source.streams}
    wrong = [
        repository.name(path)
        for path in (*models(repository), *seeds(repository))
        if path.stem not in named_by_source and not GRAMMAR[layer_of(repository, path)].match(path.stem)
    ]
    assert not wrong, "docs/naming.md has the grammar"


def test_every_layer_has_its_folder(repository: Repository):
    folders = {layer_of(repository, path) for path in (*models(repository), *seeds(repository))}
    assert folders <= set(GRAMMAR), "a layer that docs/naming.md does not know"


def test_a_model_lies_in_the_folder_its_name_says(repository: Repository):
    for path in models(repository):
        layer = layer_of(repository, path)
        if layer in {"staging", "intermediate"}:
            named = path.stem.split("_", 1)[1].split("__")[0]
            assert path.parent.name == named, f"{repository.name(path)}: belongs into {layer}/{named}/"


def test_only_staging_reads_sources(repository: Repository):
    for path in models(repository):
        text = without_comments(path)
        sources, parents = SOURCE.findall(text), REF.findall(text)
        if layer_of(repository, path) == "staging":
            assert len(sources) == 1, f"{repository.name(path)}: a staging model reads exactly one source"
            assert not [name for name in parents if not name.startswith(("ref_", "std_"))], repository.name(path)
        else:
            assert not sources, f"{repository.name(path)}: read the staging model of {sources}"


def test_marts_stand_on_staging_only_where_there_is_nothing_between(repository: Repository):
    """A mart reads staging through an intermediate model."""
    shortcuts = {
        path.stem: sorted(name for name in REF.findall(without_comments(path)) if name.startswith("stg_"))
        for path in models(repository)
        if layer_of(repository, path) == "marts"
    }
    assert not {mart: parents for mart, parents in shortcuts.items() if parents}, "add int_<domain>__<entity>s_<verb>ed"


def test_staging_is_named_after_its_source_table(repository: Repository):
    for path in models(repository):
        if layer_of(repository, path) == "staging":
            ((source, table),) = SOURCE.findall(without_comments(path))
            assert path.stem == f"stg_{table}", f"{repository.name(path)}: reads {table}; one slug from raw to staging"
            assert table.startswith(f"{source}__"), f"{repository.name(path)}: {table} is not of source {source}"


def test_raw_tables_are_slugs(repository: Repository):
    for page in repository.files(".yml", below="dbt_project/models/staging"):
        for source in properties(page).get("sources", []):
            assert source["schema"] == "raw", f"{repository.name(page)}: sources lie in the schema raw"
            for table in source["tables"]:
                assert SLUG.match(table["name"]), f"{repository.name(page)}: {table['name']}"
                assert table.get("identifier", table["name"]) == table["name"], "a second name for one table"


def test_seeds_are_dated(repository: Repository):
    dated = {path.stem: "valid_from" in header(path) for path in seeds(repository)}
    undated = {name for name, has_dates in dated.items() if not has_dates}
    assert undated == set(SEEDS_WITHOUT_VALIDITY), "add valid_from, or say here why the rows never change"


def test_standards_and_rules_cite_their_clause(repository: Repository):
    for path in seeds(repository):
        if path.stem.startswith("std_"):
            assert {"standard_code", "clause", "valid_from", "valid_to"} <= set(header(path)), repository.name(path)
        if path.stem.startswith("rule_"):
            # A rule of our own office has no clause; then it says why.
            assert {"valid_from", "valid_to"} <= set(header(path)), repository.name(path)
            assert {"clause", "reason"} & set(header(path)), repository.name(path)


def test_validity_is_half_open(repository: Repository):
    for path in seeds(repository):
        for number, row in enumerate(rows(path), 2):
            begins, ends = row.get("valid_from"), row.get("valid_to")
            assert not (begins and ends) or begins < ends, f"{repository.name(path)}:{number}: ends before it begins"


def test_marts_state_grain_owner_and_contract(repository: Repository):
    described = {}
    for page in repository.files(".yml", below="dbt_project/models/marts"):
        for model in properties(page).get("models", []):
            described[model["name"]] = model
            text = model["description"]
            assert text.startswith("One row per "), f"{model['name']}: the description begins with the grain"
            assert CHINESE.search(text), f"{model['name']}: the description has no Chinese"
            assert model["config"]["group"], f"{model['name']}: needs a group, whose owner answers for it"
            assert all("data_type" in column for column in model["columns"]), f"{model['name']}: contract"
            assert has_key_test(model), f"{model['name']}: needs unique or unique_together"
    marts = {path.stem for path in models(repository) if layer_of(repository, path) == "marts"}
    assert marts == set(described), "every mart is described, and only what exists"


def test_every_mart_has_its_expectations(repository: Repository):
    marts = {path.stem for path in models(repository) if layer_of(repository, path) == "marts"}
    assert set(load_suites()) == marts, "one file per mart in quality/expectations; without it nothing is published"


def test_columns_say_their_unit(repository: Repository):
    for page in repository.files(".yml", below="dbt_project/models/marts"):
        for model in properties(page).get("models", []):
            for column in model["columns"]:
                name, data_type = column["name"], column["data_type"]
                forgotten = [what for what, pattern in UNIT_IN_NAME.items() if pattern.search(name)]
                # What a source reported stands as it came, with its unit in a column beside it.
                as_reported = name.startswith("reported_") and has_unit_column(model)
                assert not forgotten or as_reported, f"{model['name']}.{name}: {forgotten[0]}"
                assert (data_type == "boolean") == name.startswith(("is_", "has_")), f"{model['name']}.{name}"
                assert (data_type == "timestamp with time zone") == name.endswith("_at"), f"{model['name']}.{name}"


def models(repository: Repository) -> list[Path]:
    """Return the files of all dbt models."""
    return repository.files(".sql", below="dbt_project/models")


def seeds(repository: Repository) -> list[Path]:
    """Return the files of all seeds."""
    return repository.files(".csv", below="dbt_project/seeds")


def layer_of(repository: Repository, path: Path) -> str:
    """Return staging, intermediate or marts of a model; standards, rules or reference of a seed."""
    return path.relative_to(repository.root / "dbt_project").parts[1]


def without_comments(path: Path) -> str:
    """Return the SQL of a model without comments."""
    text = re.sub(r"/\*.*?\*/|\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
    return re.sub(r"--[^\n]*", "", text)


def header(path: Path) -> list[str]:
    """Return the column names of a seed."""
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a seed."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def properties(page: Path) -> dict[str, Any]:
    """Return the content of a properties file."""
    return yaml.safe_load(page.read_text("utf-8")) or {}


def has_unit_column(model: dict[str, Any]) -> bool:
    """Tell whether a column of the model holds the unit of a reported value."""
    return any(column["name"].endswith("_unit") for column in model["columns"])


def has_key_test(model: dict[str, Any]) -> bool:
    """Tell whether a test holds the primary key: a unique column, or unique_together over several."""
    named = [test if isinstance(test, str) else next(iter(test)) for test in model.get("data_tests", [])]
    columns = [test for column in model["columns"] for test in column.get("data_tests", [])]
    return "unique_together" in named or "unique" in columns
