"""katz rank and katz evaluate: who will be active in a spike, and whether the network helps."""

from __future__ import annotations

from typing import Annotated, Any

from hawkesjax.cli import katz_options as k
from hawkesjax.cli import options as o
from hawkesjax.cli.groups import command, only, without
from hawkesjax.cli.job import Job
from hawkesjax.cli.session import Speaker, table


@command
def rank(
    messages: Annotated[k.Messages, without("spike", "fit")],
    strength: k.Alpha,
    listed: k.Listed,
    run: Annotated[o.Run, only("out", "pictures", "force", "quiet", device="cpu")],
) -> None:
    """Rank users by how active they will be in a spike, before it comes.

    Edges and baselines come from the window of business as usual. The top is computed until it is
    proven: ranking.csv has every user's score and its bounds. Without --alpha-star and --alpha,
    alpha* is 0.4.

    ```
    hawkesjax katz rank log.csv --kind kind --unit second --bin 60 --usual 0 259200
    hawkesjax katz rank dm.parquet --edges messages --unit hour --usual 2024-05-01 2024-05-08
    ```
    """
    job = Job("hawkesjax-katz-rank", run, ["ranking.csv"], pictures=["influence"])
    activity, acyclic = _read(job, messages, listed.form)
    given: dict[str, Any] = {"alpha_star": strength.alpha_star, "alpha": strength.alpha}
    if strength.alpha_star is None and strength.alpha is None:
        if acyclic:
            raise ValueError(
                "No user of this network can be reached from itself: alpha* has no meaning, and "
                "every alpha is allowed. Say which with --alpha."
            )
        given["alpha_star"] = 0.4
    given["form"] = listed.form
    ranking = job.hj.katz.rank(activity, top=listed.top, order=listed.order, **given)
    sure = "certain" if ranking.certified else "not certain"
    if ranking.tied:
        sure += f": {ranking.tied} users share the last places"
    job.say(f"The top {len(ranking.table)} is {sure} ({ranking.products} products).")
    job.say(table(ranking.table, 20))

    def figures() -> dict[str, Any]:
        plot = job.hj.plots.katz.influence
        return {"influence": plot(activity, top=min(listed.top, 15), **given)}

    job.finish(ranking, {"ranking": ranking.table}, figures)


@command
def evaluate(
    messages: Annotated[k.Messages, without("fit")],
    sweep: k.Sweep,
    listed: Annotated[k.Listed, without("order")],
    scores: k.Scores,
    run: Annotated[o.Run, without("csv", "format", "x64", "device", device="cpu")],
) -> None:
    """Does the network help on a spike that came? Scores the ranking over a sweep of alpha*.

    The change in the posts of the top against alpha = 0, its interval, precision and NDCG, beside
    a network with permuted users. Without --spike, the spike is the peak after business as usual,
    to a quarter of its volume.

    ```
    hawkesjax katz evaluate log.csv --kind kind --unit second --bin 60 --usual 0 259200
    hawkesjax katz evaluate dm.csv --edges messages --usual 0 45 --spike 50 52 --alpha-star 0,0.4
    ```
    """
    grid = sweep.grid()
    pictures = ["volume", "change", "stability"]
    job = Job("hawkesjax-katz-evaluate", run, ["evaluation.csv"], pictures=pictures)
    activity, acyclic = _read(job, messages, listed.form, spike="detect")
    if acyclic and not grid:
        grid["alpha"] = [0.0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0]
    result = job.hj.katz.evaluate(
        activity, key=job.key, top=listed.top, form=listed.form, **vars(scores), **grid
    )
    job.say(repr(result))
    job.say(table(result.table))

    def figures() -> dict[str, Any]:
        plots = job.hj.plots.katz
        made = {"volume": plots.volume(activity), "change": plots.change(result)}
        if not acyclic:
            top = min(listed.top, 20)
            made["stability"] = plots.stability(activity, top=top, form=listed.form)
        return made

    job.finish(result, {"evaluation": result.table}, figures)


def _read(job: Job, messages: k.Messages, form: str, **more: Any) -> tuple[Any, bool]:
    """The activity, and whether its network has no cycles; says what both are like."""
    activity = messages.read(job.hj, **more)
    job.say(str(activity))
    radius = job.hj.katz.radius(activity, form=form)
    radius_line(job.speaker, radius)
    return activity, radius.acyclic


def radius_line(speaker: Speaker, radius: Any) -> None:
    """What the network's cycles are like, in a line."""
    if radius.acyclic:
        speaker.say(
            "No user can be reached from itself: the spectral radius is 0, alpha* undefined."
        )
        return
    components = f"{radius.components:,} component" + ("s" if radius.components > 1 else "")
    speaker.say(
        f"Spectral radius {radius.value:.6g}; {components} with cycles, the largest of "
        f"{radius.largest:,} users."
    )
