"""katz fit, sample and simulate: how strongly messages spread, and what would come of it."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import Annotated, Any

from hawkesjax.cli import katz_options as k
from hawkesjax.cli import options as o
from hawkesjax.cli.job import ESTIMATE, POSTERIOR, Job
from hawkesjax.cli.output import single
from hawkesjax.cli.report import write_estimate
from hawkesjax.cli.session import Speaker, start, table


class Link(enum.StrEnum):
    hazard = "hazard"
    poisson = "poisson"
    clip = "clip"


FitWindow = Annotated[
    tuple[str, str] | None,
    o.option(
        "Start and end of what is fitted; by default all after business as usual.",
        "--fit",
        metavar="A B",
        panel=k.MESSAGES,
    ),
]
LinkBy = Annotated[
    Link, o.option("hazard (active or not), poisson (numbers of posts), clip.", panel=o.MODEL)
]
Memory = Annotated[
    float,
    o.option("Part of what was heard that is left a bin later.", metavar="PHI", panel=o.MODEL),
]
Volume = Annotated[
    bool,
    o.option("Let baselines follow the volume of each bin.", "--volume", panel=o.MODEL),
]


def fit(
    log: k.Log,
    usual: k.Usual,
    fit_: FitWindow = None,
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
    form: k.FormBy = k.Form.additive,
    link: LinkBy = Link.hazard,
    memory: Memory = 0.0,
    volume: Volume = False,
    seed: o.Seed = 0,
    out: o.Out = None,
    csv: o.Csv = None,
    force: o.Force = False,
    x64: o.X64 = True,
    device: o.OnDevice = None,
    quiet: o.Quiet = False,
) -> None:
    """How much do messages set off? Maximum likelihood of the Katz spike model.

    The network comes from business as usual, the fit from later bins. Users' baselines follow a
    gamma distribution and are integrated out. Prints alpha (and alpha*), tests the residuals, and
    writes estimate.json. The exit code is 1 when the search did not converge.

    ```
    hawkesjax katz fit log.csv --kind kind --unit second --bin 60 --usual 0 259200
    hawkesjax katz fit dm.csv --edges messages --bin 3600 --usual 0 4e6 --form multiplicative
    ```
    """
    job = _job("hawkesjax-katz-fit", [ESTIMATE], ["parameters.csv", "residuals.csv"], locals())
    model, data = _read(job, locals())
    estimate = job.fit(model, data)
    write_estimate(job.out.path(ESTIMATE), estimate, data)
    _finish(job, model, estimate, data, {"parameters.csv": estimate.summary()})
    if not estimate.converged:
        raise RuntimeError(estimate.message)


def sample(
    log: k.Log,
    usual: k.Usual,
    fit_: FitWindow = None,
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
    form: k.FormBy = k.Form.additive,
    link: LinkBy = Link.hazard,
    memory: Memory = 0.0,
    volume: Volume = False,
    top: k.Top = 100,
    chains: o.Chains = 4,
    warmup: o.Warmup = 500,
    draws: o.Draws = 1000,
    target_accept: o.TargetAccept = 0.8,
    checkpoint: o.Checkpoint = None,
    seed: o.Seed = 0,
    out: o.Out = None,
    csv: o.Csv = None,
    force: o.Force = False,
    x64: o.X64 = True,
    device: o.OnDevice = None,
    quiet: o.Quiet = False,
) -> None:
    """The posterior by NUTS, and how sure the ranking is: each user's probability to be at the top.

    Writes posterior.nc (hawkesjax.load and ArviZ read it) and ranking.csv.

    ```
    hawkesjax katz sample log.csv --kind kind --unit second --bin 60 --usual 0 259200 --top 100
    ```
    """
    tables = ["parameters.csv", "influence.csv", "residuals.csv"]
    job = _job("hawkesjax-katz-sample", [POSTERIOR, "ranking.csv"], tables, locals())
    model, data = _read(job, locals())
    options = {"num_chains": chains, "num_warmup": warmup, "num_samples": draws}
    posterior = job.sample(
        model,
        data,
        job.fit(model, data),
        target_accept=target_accept,
        checkpoint=checkpoint,
        **options,
    )
    for line in posterior.diagnose():
        job.say(line)
    influence = posterior.influence()
    job.say(table(influence))
    ranking = posterior.ranking(data, key=job.keys[0], top=min(top, data.num_users))
    ranking.to_csv(job.out.path("ranking.csv"))
    job.say(f"\nProbability to be among the top {min(top, data.num_users)} of a steady state:")
    job.say(table(ranking, 15))
    shown = {"parameters.csv": posterior.summary(), "influence.csv": influence}
    _finish(job, model, posterior, data, shown)


def simulate(
    log: k.Log,
    usual: k.Usual,
    params: Annotated[
        Path,
        o.option(
            "JSON file with alpha, and shape and mean; an estimate.json of katz fit will do.",
            metavar="FILE",
            panel=o.MODEL,
        ),
    ],
    out: Annotated[Path, o.option("CSV file to write.", "--out", metavar="FILE", panel=o.RUN)],
    bins: Annotated[int, o.option("Bins to draw.", metavar="N", min=1, panel=o.MODEL)] = 100,
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
    form: k.FormBy = k.Form.additive,
    link: LinkBy = Link.hazard,
    memory: Memory = 0.0,
    seed: o.Seed = 0,
    force: o.Force = False,
    quiet: o.Quiet = False,
) -> None:
    """Draw activity on the log's network: a table of bin, user and posts.

    ```
    hawkesjax katz simulate log.csv --usual 0 259200 --bin 60 --kind kind \\
        --params hawkesjax-katz-fit/estimate.json --bins 500 --out simulated.csv
    ```
    """
    path = single(out, force=force)
    values = _read_params(params)
    hj = start(x64=True, device="cpu")
    import jax
    import pandas as pd

    speaker = Speaker(quiet)
    data = _log(hj, locals())
    model = hj.KatzSpike(form=form.value, link=link.value, memory=memory)
    found = hj.simulate(model, values, data, bins=bins, key=jax.random.key(seed))
    pd.DataFrame(
        {
            "bin": found.active_bin,
            "user": [found.user_names[int(i)] for i in found.active_user],
            "posts": found.active_posts,
        }
    ).to_csv(path, index=False)
    speaker.say(
        f"{int(found.volume.sum()):,} posts of {data.num_users:,} users in {bins:,} bins, at most "
        f"{int(found.volume.max()):,} in one. Written to {path.resolve()}."
    )


def _job(stem: str, names: list[str], tables: list[str], typed: dict[str, Any]) -> Job:
    same = ("out", "csv", "force", "x64", "device", "seed", "quiet")
    given = {name: typed[name] for name in same}
    chains = typed.get("chains", 1)
    return Job(stem, names=names, tables=tables, pictures=[], chains=chains, **given)


def _log(hj: Any, typed: dict[str, Any]) -> Any:
    same = ("time", "source", "target", "kind", "edges", "weighted", "self_loops", "unit")
    given = {name: typed[name] for name in (*same, "timezone")}
    return k.read_log(
        hj, typed["log"], usual=typed["usual"], fit=typed.get("fit_"), bin=typed["bin_"], **given
    )


def _read(job: Job, typed: dict[str, Any]) -> tuple[Any, Any]:
    data = _log(job.hj, typed)
    job.say(str(data))
    model = job.hj.KatzSpike(
        form=typed["form"].value,
        link=typed["link"].value,
        memory=typed["memory"],
        common_factor="volume" if typed["volume"] else None,
    )
    return model, data


def _finish(job: Job, model: Any, values: Any, data: Any, shown: dict[str, Any]) -> None:
    job.say(table(shown["parameters.csv"]))
    tests = {}
    for by, what in (("bin", "Volume of the bins"), ("user", "Events of the users")):
        found = job.hj.residuals(model, values, data, by=by, key=job.keys[1])
        if len(found) < 3:
            continue
        tests[by] = row = job.hj.residual_tests(found)
        verdict = "no misfit seen" if float(row["p"]) > 0.01 else "the model misses structure here"
        job.say(
            f"{what}: quantile residuals have mean {row['mean']:.3f} and standard deviation "
            f"{row['sd']:.3f} (0 and 1 expected), p = {row['p']:.2g}: {verdict}"
        )
    if job.csv is not None:
        import pandas as pd

        frames = shown | {"residuals.csv": pd.DataFrame(tests).T.rename_axis("by")}
        for name in job.csv.names:
            frames[name].to_csv(job.csv.path(name))
    job.say()
    for output in (job.out, job.csv):
        if output is not None:
            job.say(f"Written to {output.folder.resolve()}:")
            job.say("  " + ", ".join(path.name for path in output.written))
    if getattr(values, "info", {}).get("stopped"):
        raise KeyboardInterrupt("stopped early; the draws that were finished are kept")


def _read_params(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not JSON: {error}.") from error
    values = content.get("params", content) if isinstance(content, dict) else None
    names = ("alpha", "shape", "mean")
    if not isinstance(values, dict) or not all(name in values for name in names):
        raise ValueError(f"{path} must hold an object with {', '.join(names)}.")
    return {name: values[name] for name in names}
