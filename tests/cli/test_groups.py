"""Groups of options become options of a command, and groups again when it runs."""

import re
from typing import Annotated, Literal, get_args, get_type_hints

import pytest
import typer
from typer.testing import CliRunner

import hawkesjax as hj
from hawkesjax.cli.groups import argument, command, group, only, option, without
from hawkesjax.cli.hawkes import HawkesModel
from hawkesjax.cli.katz import KatzModel
from hawkesjax.cli.retweet import RetweetModel


@group("The pot")
class Pot:
    tea: str = argument("Which tea.")
    cups: int = option(2, "How many cups.", min=1)
    kind: Literal["clay", "glass"] = option("clay", "Of what it is made.")
    hot: bool = option(False, "Keep it hot.", names=["-h"])
    lid: bool = option(True, "Close it.")


@group("The table")
class Table:
    seats: int = option(..., "How many sit there.")
    cloth: str | None = option(None, "What covers it.", "CLOTH", panel="Linen")


def call(function, line):
    """What the function was called with, or the exit code and what was said instead."""
    app = typer.Typer()
    app.command()(command(function))
    done = CliRunner().invoke(app, line.split(), env={"TERM": "dumb", "COLUMNS": "100"})
    return done.exit_code, re.sub(r"\x1b\[[0-9;]*m", "", done.output)


def test_fields_are_options_and_come_back_as_groups():
    seen = []

    def serve(pot: Pot, table: Table) -> None:
        seen.append((pot, table))

    assert call(serve, "green --seats 3 --kind glass -h --no-lid")[0] == 0
    pot = Pot(tea="green", cups=2, kind="glass", hot=True, lid=False)
    assert seen == [(pot, Table(seats=3, cloth=None))]


@pytest.mark.parametrize(
    ("part", "line", "found"),
    [
        (only("tea", "cups", kind="glass"), "mint --cups 5", ("mint", 5, "glass")),
        (without("kind", kind="glass", cups=7), "mint", ("mint", 7, "glass")),
        (without("kind", cups=7), "mint --cups 1", ("mint", 1, "clay")),
    ],
)
def test_fields_that_are_not_asked_keep_their_values(part, line, found):
    seen = []

    def serve(pot: Annotated[Pot, part]) -> None:
        seen.append((pot.tea, pot.cups, pot.kind))

    assert call(serve, line)[0] == 0 and seen == [found]
    code, said = call(serve, f"{line} --kind clay")
    assert code == 2 and "--kind" in said


@pytest.mark.parametrize(
    "line", ["", "green", "--seats 3", "green --seats 3 --cups 0", "green --seats 3 --no-hot"]
)
def test_what_is_missing_or_wrong_is_refused(line):
    def serve(pot: Pot, table: Table) -> None:
        raise AssertionError

    assert call(serve, line)[0] == 2


def test_parameters_beside_groups_stay_as_they_are():
    seen = []

    def serve(
        context: typer.Context, table: Table, guests: Annotated[int, typer.Option()] = 4
    ) -> None:
        seen.append((context.params["seats"], table.seats, guests))

    assert call(serve, "--seats 3")[0] == call(serve, "--seats 3 --guests 1")[0] == 0
    assert seen == [(3, 3, 4), (3, 3, 1)]


def test_the_help_has_a_heading_a_group_and_a_metavar_a_type():
    def serve(pot: Pot, table: Table) -> None:
        """Serve tea."""

    code, said = call(serve, "--help")
    assert code == 0
    for words in ("Serve tea.", "The pot", "The table", "Linen", "--cups +N", "--cloth +CLOTH",
                  "[<[]clay|glass[]>]", "How many sit there."):  # fmt: skip
        assert re.search(words.replace("|", r"\|"), said), (words, said)


def test_a_name_belongs_to_one_group():
    def serve(pot: Pot, other: Pot) -> None: ...

    with pytest.raises(ValueError, match="duplicate parameter name"):
        command(serve)


SETTINGS = {"scale": "magnitude"}  # options that have another name than the model's setting


@pytest.mark.parametrize(
    ("options", "model"),
    [(HawkesModel, hj.Hawkes), (RetweetModel, hj.RetweetHawkes), (KatzModel, hj.KatzSpike)],
)
def test_models_take_every_choice_that_is_offered(options, model):
    for name, hint in get_type_hints(options).items():
        for choice in get_args(hint) if "Literal" in str(hint) else ():
            model(**{SETTINGS.get(name, name): choice})
