"""katz fit, sample and simulate: how strongly messages spread, and what would come of it."""

from __future__ import annotations

from typing import Annotated, Any

import pandas as pd

from hawkesjax.cli import katz_options as k
from hawkesjax.cli import options as o
from hawkesjax.cli.groups import command, only, without
from hawkesjax.cli.job import ESTIMATE, POSTERIOR, Job
from hawkesjax.cli.output import params_of, read_json, single
from hawkesjax.cli.session import Speaker, start, table

Messages = Annotated[k.Messages, without("spike")]
Run = Annotated[o.Run, without("pictures", "format")]
Form = Annotated[k.Listed, only("form")]


@command
def fit(messages: Messages, listed: Form, model: k.KatzModel, run: Run) -> None:
    """How much do messages set off? Maximum likelihood of the Katz spike model.

    The network comes from business as usual, the fit from later bins. Users' baselines follow a
    gamma distribution and are integrated out. Prints alpha (and alpha*), tests the residuals, and
    writes estimate.json. The exit code is 1 when the search did not converge.

    ```
    hawkesjax katz fit log.csv --kind kind --unit second --bin 60 --usual 0 259200
    hawkesjax katz fit dm.csv --edges messages --bin 3600 --usual 0 4e6 --form multiplicative
    ```
    """
    job = Job("hawkesjax-katz-fit", run, [ESTIMATE], ["parameters", "residuals"])
    law, data = _read(job, messages, model, listed)
    estimate = job.fit(law, data)
    _finish(job, law, estimate, data, {})


@command
def sample(
    messages: Messages,
    listed: Annotated[k.Listed, without("order")],
    model: k.KatzModel,
    sampling: o.Sampling,
    run: Run,
) -> None:
    """The posterior by NUTS, and how sure the ranking is: each user's probability to be at the top.

    Writes posterior.nc (hawkesjax.load and ArviZ read it) and ranking.csv.

    ```
    hawkesjax katz sample log.csv --kind kind --unit second --bin 60 --usual 0 259200 --top 100
    ```
    """
    tables = ["parameters", "influence", "residuals"]
    names = [POSTERIOR, "ranking.csv"]
    job = Job("hawkesjax-katz-sample", run, names, tables, chains=sampling.chains)
    law, data = _read(job, messages, model, listed)
    posterior = job.sample(law, data, sampling)
    for line in posterior.diagnose():
        job.say(line)
    influence = posterior.influence()
    job.say(table(influence))
    top = min(listed.top, data.num_users)
    ranking = posterior.ranking(data, key=job.keys[0], top=top)
    job.say(f"\nProbability to be among the top {top} of a steady state:")
    job.say(table(ranking, 15))
    _finish(job, law, posterior, data, {"influence": influence, "ranking": ranking})


@command
def simulate(
    messages: Annotated[k.Messages, without("spike", "fit")],
    drawn: k.Drawn,
    listed: Form,
    model: Annotated[k.KatzModel, without("volume")],
    run: Annotated[o.Run, only("seed", "force", "quiet")],
) -> None:
    """Draw activity on the log's network: a table of bin, user and posts.

    ```
    hawkesjax katz simulate log.csv --usual 0 259200 --bin 60 --kind kind \\
        --params hawkesjax-katz-fit/estimate.json --bins 500 --out simulated.csv
    ```
    """
    path = single(drawn.out, force=run.force)
    names = ("alpha", "shape", "mean")
    values = params_of(drawn.params, read_json(drawn.params), names)
    hj = start(x64=True, device="cpu")
    import jax

    data = messages.read(hj)
    law = model.build(hj, listed.form)
    key = jax.random.key(run.seed)
    given = {name: values[name] for name in names}
    found = hj.simulate(law, given, data, bins=drawn.bins, key=key)
    pd.DataFrame(
        {
            "bin": found.active_bin,
            "user": [found.user_names[int(i)] for i in found.active_user],
            "posts": found.active_posts,
        }
    ).to_csv(path, index=False)
    Speaker(run.quiet).say(
        f"{int(found.volume.sum()):,} posts of {data.num_users:,} users in {drawn.bins:,} bins, at "
        f"most {int(found.volume.max()):,} in one. Written to {path.resolve()}."
    )


def _read(job: Job, messages: k.Messages, model: k.KatzModel, listed: k.Listed) -> tuple[Any, Any]:
    data = messages.read(job.hj)
    job.say(str(data))
    return model.build(job.hj, listed.form), data


def _finish(job: Job, model: Any, values: Any, data: Any, tables: dict[str, Any]) -> None:
    """The table and the check of residuals; then the ending of all jobs."""
    from hawkesjax.katz.residuals import spike_residual_tests

    parameters = values.summary()
    job.say(table(parameters))
    tests = {}
    for by, what in (("bin", "Volume of the bins"), ("user", "Events of the users")):
        found = job.hj.residuals(model, values, data, by=by, key=job.keys[1])
        if len(found) < 3:
            continue
        tests[by] = row = spike_residual_tests(found)
        verdict = "no misfit seen" if float(row["p"]) > 0.01 else "the model misses structure here"
        job.say(
            f"{what}: quantile residuals have mean {row['mean']:.3f} and standard deviation "
            f"{row['sd']:.3f} (0 and 1 expected), p = {row['p']:.2g}: {verdict}"
        )
    residuals = pd.DataFrame(tests).T.rename_axis("by")
    job.finish(values, tables | {"parameters": parameters, "residuals": residuals})
