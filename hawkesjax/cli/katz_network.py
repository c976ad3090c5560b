"""katz rank and katz evaluate: who will be active in a spike, and whether the network helps."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hawkesjax.cli import katz_options as k
from hawkesjax.cli import options as o
from hawkesjax.cli.output import Output, fresh
from hawkesjax.cli.session import Speaker, start, table

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="A network that spreads a spike: who will be active, and whether the network helps.",
)


@app.command()
def rank(
    log: k.Log,
    usual: k.Usual,
    bin_: k.Bin = 1.0,
    time: k.Time = "time",
    source: k.Source = "source",
    target: k.Target = "target",
    kind: k.Kind = None,
    edges: k.Edges = None,
    weighted: k.Weighted = False,
    self_loops: k.SelfLoops = False,
    unit: k.Unit = None,
    timezone: k.Timezone = None,
    alpha_star: k.AlphaStar = None,
    alpha: k.Alpha = None,
    top: k.Top = 100,
    form: k.FormBy = k.Form.additive,
    order: Annotated[
        bool, o.option("Make sure of the order, too.", "--order", panel=k.RANKING)
    ] = False,
    out: o.Out = None,
    pictures: o.Pictures = True,
    force: o.Force = False,
    quiet: o.Quiet = False,
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
    names = ["ranking.csv", *(["influence.png"] if pictures else [])]
    output = Output(out or fresh("hawkesjax-katz-rank"), names, force=force)
    speaker = Speaker(quiet)
    hj = start(x64=True, device="cpu")
    activity = k.read_log(
        hj, log, usual=usual, bin=bin_, time=time, source=source, target=target, kind=kind,
        edges=edges, weighted=weighted, self_loops=self_loops, unit=unit, timezone=timezone,
    )  # fmt: skip
    speaker.say(str(activity))
    found = hj.katz.radius(activity, form=form.value)
    radius_line(speaker, found)
    if alpha_star is None and alpha is None:
        if found.acyclic:
            raise ValueError(
                "No user of this network can be reached from itself: alpha* has no meaning, and "
                "every alpha is allowed. Say which with --alpha."
            )
        alpha_star = 0.4
    given = {"alpha_star": alpha_star, "alpha": alpha, "form": form.value}
    ranking = hj.katz.rank(activity, top=top, order=order, **given)
    sure = "certain" if ranking.certified else "not certain"
    if ranking.tied:
        sure += f": {ranking.tied} users share the last places"
    speaker.say(f"The top {len(ranking.table)} is {sure} ({ranking.products} products).")
    speaker.say(table(ranking.table, 20))
    ranking.table.to_csv(output.path("ranking.csv"))
    if pictures:
        figure = hj.plots.katz.influence(activity, top=min(top, 15), **given)
        figure.savefig(output.path("influence.png"))
    written(speaker, output)


@app.command()
def evaluate(
    log: k.Log,
    usual: k.Usual,
    spike: k.Spike = None,
    bin_: k.Bin = 1.0,
    time: k.Time = "time",
    source: k.Source = "source",
    target: k.Target = "target",
    kind: k.Kind = None,
    edges: k.Edges = None,
    weighted: k.Weighted = False,
    self_loops: k.SelfLoops = False,
    unit: k.Unit = None,
    timezone: k.Timezone = None,
    alpha_star: k.Stars = None,
    alpha: k.Alphas = None,
    top: k.Top = 100,
    form: k.FormBy = k.Form.additive,
    level: k.Level = 0.95,
    block: k.Block = 5,
    placebos: Annotated[
        int, o.option("Permuted networks.", metavar="N", min=0, panel=k.RANKING)
    ] = 20,
    seed: o.Seed = 0,
    out: o.Out = None,
    pictures: o.Pictures = True,
    force: o.Force = False,
    quiet: o.Quiet = False,
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
    grid: dict[str, Any] = {}
    if alpha_star is not None:
        grid["alpha_star"] = k.numbers(alpha_star, "--alpha-star")
    if alpha is not None:
        grid["alpha"] = k.numbers(alpha, "--alpha")
    drawn = ["volume.png", "change.png", "stability.png"] if pictures else []
    output = Output(
        out or fresh("hawkesjax-katz-evaluate"), ["evaluation.csv", *drawn], force=force
    )
    speaker = Speaker(quiet)
    hj = start(x64=True, device="cpu")
    import jax

    activity = k.read_log(
        hj, log, usual=usual, spike="detect" if spike is None else spike, bin=bin_, time=time,
        source=source, target=target, kind=kind, edges=edges, weighted=weighted,
        self_loops=self_loops, unit=unit, timezone=timezone,
    )  # fmt: skip
    speaker.say(str(activity))
    found = hj.katz.radius(activity, form=form.value)
    radius_line(speaker, found)
    if found.acyclic and not grid:
        grid["alpha"] = [0.0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0]
    key = jax.random.key(seed)
    result = hj.katz.evaluate(
        activity, key=key, top=top, form=form.value, level=level, block=block,
        placebos=placebos, **grid,
    )  # fmt: skip
    speaker.say(repr(result))
    speaker.say(table(result.table))
    result.table.to_csv(output.path("evaluation.csv"))
    if pictures:
        hj.plots.katz.volume(activity).savefig(output.path("volume.png"))
        hj.plots.katz.change(result).savefig(output.path("change.png"))
        if not found.acyclic:
            figure = hj.plots.katz.stability(activity, top=min(top, 20), form=form.value)
            figure.savefig(output.path("stability.png"))
    written(speaker, output)


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


def written(speaker: Speaker, output: Output) -> None:
    """Where the results are."""
    speaker.say(f"\nWritten to {output.folder.resolve()}:")
    speaker.say("  " + ", ".join(path.name for path in output.written))
