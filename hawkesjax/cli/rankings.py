"""katz rank, evaluate and backtest: who will be active in a spike, and how well that is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from hawkesjax.cli import options as o
from hawkesjax.cli.groups import command, group, only, option, without
from hawkesjax.cli.job import Job
from hawkesjax.cli.messages import Given, Messages, Weighed
from hawkesjax.cli.session import table
from hawkesjax.cli.words import here

RANKING = "The ranking"


@group(RANKING)
class Alpha:
    """How strongly messages spread."""

    alpha_star: float | None = option(None, "alpha times the spectral radius, in [0, 1).", "X")
    alpha: float | None = option(
        None, "alpha itself, instead; a network without cycles needs it.", "X"
    )


@group(RANKING)
class Sweep:
    """The strengths to compare."""

    alpha_star: str | None = option(
        None, "alpha* of the sweep, as 0,0.2,0.4; by default 0 to 0.95 in steps of 0.05.", "X,X,..."
    )
    alpha: str | None = option(
        None, "alpha itself, instead; a network without cycles takes 0 to 2 by default.", "X,X,..."
    )

    def grid(self) -> dict[str, list[float]]:
        """The numbers of each list given."""
        typed = {"alpha_star": self.alpha_star, "alpha": self.alpha}
        return {name: _numbers(text, name) for name, text in typed.items() if text is not None}


@group(RANKING)
class Spread:
    """How a message that was heard acts."""

    form: Literal["additive", "multiplicative"] = option(
        "additive", "Whether attention adds to a baseline or scales it.", panel=RANKING
    )


@group(RANKING)
class Listed(Spread):
    """Who is in the ranking."""

    top: int = option(100, "Users in the ranking.", min=1)
    order: bool = option(False, "Certify the order, too.")


@group(RANKING)
class Scores:
    """How the ranking is scored."""

    level: float = option(0.95, "Level of the intervals.", "P")
    block: int = option(5, "Bins that are resampled together.", min=1)
    placebos: int = option(20, "Permuted networks.", min=0)
    followers: Path | None = option(
        None, "Table of the columns user and followers, to rank by as well."
    )


def _numbers(text: str, name: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f"--{name.replace('_', '-')} is {text!r}; give numbers separated by commas, such as "
            f"0,0.2,0.4."
        ) from None


@group(RANKING)
class Past:
    """The stretches of the past, and what they are ranked by."""

    half_life: str = option(
        "learned", "Bins after which a post counts half, or 'learned' before each stretch.",
        "BINS|learned",
    )  # fmt: skip
    alpha_star: str = option("0.1,0.4", "alpha* of the network.", "X,X,...")
    folds: int = option(10, "Stretches, at most.", min=1)
    length: int | None = option(
        None, "Bins of each; by default those of the spike, or a twentieth of the past."
    )
    lead: int = option(0, "Bins before each that are left out.", min=0)
    level: float = option(0.95, "Level of the intervals.", "P")

    def given(self) -> dict[str, Any]:
        """As arguments."""
        typed = {"half_life": o.number_or_text(self.half_life)}
        return vars(self) | typed | {"alpha_star": _numbers(self.alpha_star, "alpha_star")}


@command
def rank(
    messages: Annotated[Messages, without("spike", "fit", usual=None)],
    weighed: Weighed,
    given_network: Given,
    strength: Alpha,
    listed: Listed,
    run: Annotated[o.Run, only("out", "pictures", "force", "quiet", device="cpu")],
) -> None:
    """Rank users by how active they will be in a spike, before it comes.

    Edges and baselines come from the window of business as usual. The scores are computed until
    it is proven which are largest; that says nothing about how well they predict who will be
    active, which katz evaluate measures on a past spike. ranking.csv has the score of every user
    at the top and its bounds. Without --alpha-star and --alpha, alpha* is 0.4.

    Weigh posts by age (--half-life learned, with --usual up to now): fresh posts tell more about
    who will be active than the network does.

    ```
    hawkesjax katz rank log.csv --kind kind --usual 0 - --bin 60 --half-life learned --alpha-star 0
    hawkesjax katz rank log.csv --kind kind --unit second --bin 60 --usual 0 259200
    hawkesjax katz rank dm.parquet --edges messages --unit hour --usual 2024-05-01 2024-05-08
    hawkesjax katz rank network.mtx --baselines activity.csv --edges reposts
    ```
    """
    job = Job("hawkesjax-katz-rank", run, ["ranking.csv"], pictures=["influence"])
    if given_network.baselines is not None:
        data = given_network.read(job.hj, messages)
    elif messages.usual is None:
        raise ValueError(
            "Give --usual, the window of business as usual in a log of messages, or --baselines "
            "for a network without times."
        )
    else:
        data = messages.read(job.hj)
    activity, acyclic = _activity(job, data, weighed, listed.form)
    given: dict[str, Any] = {**vars(strength), "form": listed.form}
    if strength.alpha_star is None and strength.alpha is None:
        if acyclic:
            raise ValueError(
                "No user of this network can be reached from itself: alpha* has no meaning, and "
                "every alpha is allowed. Pass it as --alpha."
            )
        given["alpha_star"] = 0.4
    ranking = job.hj.katz.rank(activity, top=listed.top, order=listed.order, **given)
    star, alpha = ranking.alpha_star, f"alpha = {ranking.alpha:.4g}"
    at = alpha if star is None else f"alpha* = {star:.4g} ({alpha})"
    sure = "for certain" if ranking.certified else "not for certain"
    if ranking.tied:
        sure += f": {ranking.tied} users share the last places"
    job.say(
        f"At {at} the {len(ranking.table)} largest scores are found {sure} "
        f"({ranking.products} products). Whether users with high scores are the active ones is "
        f"measured by katz evaluate on a past spike."
    )
    job.say(table(ranking.table, 20))

    def figures() -> dict[str, Any]:
        plot = job.hj.plots.katz.influence
        return {"influence": plot(activity, top=min(listed.top, 15), **given)}

    job.finish(ranking, {"ranking": ranking.table}, figures)


@command
def evaluate(
    messages: Annotated[Messages, without("fit")],
    weighed: Weighed,
    sweep: Sweep,
    listed: Annotated[Listed, without("order")],
    scores: Scores,
    run: Annotated[o.Run, without("csv", "format", "x64", "device", "cores", device="cpu")],
) -> None:
    """Does the network help on a past spike? Scores the ranking over a sweep of alpha*.

    The change in the posts of the top against alpha = 0, its interval, precision and NDCG,
    compared with a network with permuted users, and with rankings that need no model: posts as
    usual, posts weighted by age, degrees, PageRank, followers (comparison.csv). Without --spike,
    the spike is the peak after business as usual, down to a quarter of its volume. With
    --half-life, alpha = 0 ranks by posts weighted by age, and the change is what the network adds
    to them.

    ```
    hawkesjax katz evaluate log.csv --kind kind --usual 0 259200 --bin 60 --half-life learned
    hawkesjax katz evaluate log.csv --kind kind --unit second --bin 60 --usual 0 259200
    hawkesjax katz evaluate dm.csv --edges messages --usual 0 45 --spike 50 52 --alpha-star 0,0.4
    ```
    """
    grid = sweep.grid()
    pictures = ["volume", "change", "comparison", "stability"]
    names = ["evaluation.csv", "comparison.csv"]
    job = Job("hawkesjax-katz-evaluate", run, names, pictures=pictures)
    data = messages.read(job.hj, spike="detect")
    activity, acyclic = _activity(job, data, weighed, listed.form)
    if acyclic and not grid:
        grid["alpha"] = [0.0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0]
    given = vars(scores) | {"followers": messages.followers(scores.followers)}
    result = job.hj.katz.evaluate(
        activity, key=job.key, top=listed.top, form=listed.form, **given, **grid
    )
    job.say(repr(result))
    job.say(table(result.table))
    job.say()
    job.say(table(result.comparison))

    def figures() -> dict[str, Any]:
        plots = job.hj.plots.katz
        pictures = {"volume": plots.volume(activity), "change": plots.change(result)}
        pictures["comparison"] = plots.comparison(result)
        if not acyclic:
            top = min(listed.top, 20)
            pictures["stability"] = plots.stability(activity, top=top, form=listed.form)
        return pictures

    job.finish(result, {"evaluation": result.table, "comparison": result.comparison}, figures)


@command
def backtest(
    messages: Annotated[Messages, without("fit")],
    past: Past,
    listed: Annotated[Listed, without("order")],
    run: Annotated[o.Run, only("seed", "out", "force", "quiet", device="cpu", pictures=False)],
) -> None:
    """How did the rankings do in the past? Scores them on loud stretches before the spike.

    Ten loud stretches of the later half of the past, each ranked from what came before it: by posts
    as usual, posts weighted by age, both with the network, degrees and PageRank. It cannot tell
    whether the network will help in the next spike. Last comes a forecast of how much of the next
    stretch will be posted by users whom nobody has seen, and no ranking can name. With --spike, the
    past ends where it begins; without, with business as usual.

    ```
    hawkesjax katz backtest log.csv --kind kind --unit second --bin 60 --usual 0 -
    hawkesjax katz backtest dm.csv --edges messages --usual 0 45 --spike 50 52 --half-life 10
    ```
    """
    job = Job("hawkesjax-katz-backtest", run, ["backtest.csv", "summary.csv"])
    activity = messages.read(job.hj)
    job.say(str(activity))
    result = job.hj.katz.backtest(
        activity, key=job.key, top=listed.top, form=listed.form, **past.given()
    )
    job.say(repr(result))
    job.say(table(result.summary))
    try:
        job.say(f"\n{job.hj.katz.newcomers(activity, length=past.length)!r}")
    except ValueError as error:
        job.say(f"\nNo forecast of newcomers: {here(error)}")
    job.finish(result, {"backtest": result.table, "summary": result.summary})


def _activity(job: Job, data: Any, weighed: Weighed, form: str) -> tuple[Any, bool]:
    """The activity, weighed, and whether its network has no cycles; prints a summary of both."""
    activity = weighed.weigh(job.hj, data, form)
    job.say(str(activity))
    radius = job.hj.katz.radius(activity, form=form)
    if radius.acyclic:
        job.say("No user can be reached from itself: the spectral radius is 0, alpha* undefined.")
        return activity, True
    size = len(radius.users)
    who = f"{size:,} user" + "s" * (size > 1)
    names = ", ".join(activity.user_names[int(row)] for row in radius.users[:3])
    more = ", ..." * (size > 3)
    rest = ""
    if radius.components > 1:
        rest = f"; {radius.components:,} components with cycles"
        rest += f", the largest of {radius.largest:,} users" * (radius.largest > size)
    job.say(
        f"Spectral radius {radius.value:.6g}, set by a component of {who} ({names}{more}){rest}."
    )
    return activity, False
