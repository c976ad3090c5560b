"""katz fit, sample and simulate: how strongly messages spread on a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd

from hawkesjax.cli import options as o
from hawkesjax.cli.groups import command, group, only, option, without
from hawkesjax.cli.job import ESTIMATE, POSTERIOR, Job
from hawkesjax.cli.known import Known
from hawkesjax.cli.messages import Messages
from hawkesjax.cli.output import params_of, read_json, single
from hawkesjax.cli.rankings import Listed, Spread
from hawkesjax.cli.session import Speaker, print_json, start, table
from hawkesjax.cli.words import here


@group(o.MODEL)
class KatzModel(Spread):
    """The model of a bin."""

    link: Literal["hazard", "poisson", "clip"] = option(
        "hazard", "hazard (active or not), poisson (numbers of posts), clip."
    )
    baseline: Literal["integrated", "recent"] = option(
        "integrated",
        "integrated (each user's own, over a gamma distribution), or recent (posts weighted by "
        "age, the half-life estimated).",
    )
    memory: float = option(0.0, "Share of what was heard that remains a bin later.", "PHI")
    volume: bool = option(False, "Let baselines follow the volume of each bin.")

    def build(self, hj: Any) -> Any:
        """The model."""
        names = ("form", "link", "baseline", "memory")
        given = {name: getattr(self, name) for name in names}
        return hj.KatzSpike(common_factor="volume" if self.volume else None, **given)


@group(o.MODEL)
class Drawn:
    """What is simulated, and where it is written."""

    params: Path = option(
        ...,
        "JSON file with alpha, and shape and mean (with --baseline recent: floor, weight and "
        "half_life); an estimate.json of katz fit will do.",
    )
    out: Path = option(..., "CSV file to write.", panel=o.RUN)
    bins: int = option(100, "Bins to draw.", min=1)


Fitted = Annotated[Messages, without("spike")]
Run = Annotated[o.Run, without("pictures", "format")]


@command
def fit(messages: Fitted, model: KatzModel, known: Known, run: Run) -> None:
    """How many messages does a message trigger? Maximum likelihood of the Katz spike model.

    The network comes from business as usual, the fit from later bins. Users' baselines follow a
    gamma distribution and are integrated out, or follow their own posts, weighted by age with a
    half-life that is estimated (--baseline recent). Prints alpha (and alpha*), tests the residuals,
    and writes estimate.json. The exit code is 1 if the search did not converge.

    ```
    hawkesjax katz fit log.csv --kind kind --unit second --bin 60 --usual 0 259200
    hawkesjax katz fit dm.csv --edges messages --bin 3600 --usual 0 4e6 --form multiplicative
    hawkesjax katz fit log.csv --kind kind --bin 60 --usual 0 259200 --baseline recent
    ```
    """
    job = Job("hawkesjax-katz-fit", run, [ESTIMATE], ["parameters", "residuals"])
    data = _read(job, messages)
    law = known.of(model.build(job.hj), data)
    _finish(job, law, job.fit(law, data), data, {})


@command
def sample(
    messages: Fitted,
    model: KatzModel,
    known: Known,
    listed: Annotated[Listed, only("top")],
    sampling: o.Sampling,
    run: Run,
) -> None:
    """The posterior by NUTS, and how certain the ranking is: each user's probability of the top.

    Writes posterior.nc (read by hawkesjax.load and ArviZ) and ranking.csv.

    ```
    hawkesjax katz sample log.csv --kind kind --unit second --bin 60 --usual 0 259200 --top 100
    ```
    """
    tables = ["parameters", "influence", "residuals"]
    names = [POSTERIOR, "ranking.csv"]
    job = Job("hawkesjax-katz-sample", run, names, tables, chains=sampling.chains)
    data = _read(job, messages)
    law = known.of(model.build(job.hj), data)
    posterior = job.sample(law, data, sampling)
    for line in posterior.diagnose():
        job.say(here(line))
    influence = posterior.influence()
    job.say(table(influence))
    top = min(listed.top, data.num_users)
    ranking = posterior.ranking(data, key=job.keys[0], top=top)
    job.say(f"\nProbability of being among the top {top} of a steady state:")
    job.say(table(ranking, 15))
    _finish(job, law, posterior, data, {"influence": influence, "ranking": ranking})


@command
def simulate(
    messages: Annotated[Messages, without("spike", "fit")],
    drawn: Drawn,
    model: Annotated[KatzModel, without("volume")],
    run: Annotated[o.Run, only("seed", "force", "quiet", "json")],
) -> None:
    """Draw activity on the log's network: a table of bin, user and posts.

    ```
    hawkesjax katz simulate log.csv --usual 0 259200 --bin 60 --kind kind \\
        --params hawkesjax-katz-fit/estimate.json --bins 500 --out simulated.csv
    ```
    """
    path = single(drawn.out, force=run.force)
    recent = model.baseline == "recent"
    names = ("alpha", "floor", "weight", "half_life") if recent else ("alpha", "shape", "mean")
    values = params_of(drawn.params, read_json(drawn.params), names)
    hj = start(x64=True, device="cpu")
    import jax

    data = messages.read(hj)
    key = jax.random.key(run.seed)
    given = {name: values[name] for name in names}
    activity = hj.simulate(model.build(hj), given, data, bins=drawn.bins, key=key)
    pd.DataFrame(
        {
            "bin": activity.active_bin,
            "user": [activity.user_names[int(i)] for i in activity.active_user],
            "posts": activity.active_posts,
        }
    ).to_csv(path, index=False)
    total, most = int(activity.volume.sum()), int(activity.volume.max())
    Speaker(run.quiet or run.json).say(
        f"{total:,} posts of {data.num_users:,} users in {drawn.bins:,} bins, at most {most:,} in "
        f"one. Written to {path.resolve()}."
    )
    if run.json:
        counts = {"posts": total, "users": data.num_users, "bins": drawn.bins, "most": most}
        print_json({**counts, "files": [str(path.resolve())]})


def _read(job: Job, messages: Messages, **more: Any) -> Any:
    """Network and activity, with a printed summary."""
    data = messages.read(job.hj, **more)
    job.say(str(data))
    return data


def _finish(job: Job, model: Any, values: Any, data: Any, tables: dict[str, Any]) -> None:
    """The table and the check of residuals; then the common ending of all jobs."""
    parameters = values.summary()
    job.say(table(parameters))
    tests = {}
    checks = {"bin": "Volume of the bins", "user": "Events of the users"}
    if model.baseline == "recent":
        del checks["user"]  # these baselines follow each user's count
    for by, what in checks.items():
        residuals = job.hj.residuals(model, values, data, by=by, key=job.keys[1])
        if len(residuals) < 3:
            continue
        tests[by] = row = job.hj.residual_tests(residuals)
        verdict = "no misfit seen" if float(row["p"]) > 0.01 else "the model misses structure here"
        job.say(
            f"{what}: quantile residuals have mean {row['mean']:.3f} and standard deviation "
            f"{row['sd']:.3f} (0 and 1 expected), p = {row['p']:.2g}: {verdict}"
        )
    tested = pd.DataFrame(tests).T.rename_axis("by")
    job.finish(values, tables | {"parameters": parameters, "residuals": tested})
