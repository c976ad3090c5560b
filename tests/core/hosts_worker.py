"""One of several processes that share data: fits and samples its part, and keeps what it got.

Arguments: number, processes, port, folder (with the data), steps after which the last process dies
(0: never), name of the result, options of `sample` as JSON; with "data", one of `KINDS`.
"""

import json
import os
import sys
import warnings
from pathlib import Path

import jax
import numpy as np

SHORT = {"num_warmup": 6, "num_samples": 4, "num_chains": 2, "max_tree_depth": 3, "block": 2}
TABLE = {"time": "time", "mark": "mark", "sequence": "sequence", "window": (0, 60)}


def hawkes(folder, part=None):
    """A Hawkes model and its panel, a folder of Parquet files."""
    import hawkesjax as hj

    return hj.Hawkes(decay="shared"), hj.read_events(folder / "events", **TABLE, part=part)


def retweet(folder, part=None):
    """A retweet model and its cascades, a table of posts and reposts."""
    import hawkesjax as hj

    columns = {"id": "id", "time": "time", "followers": "followers", "repost_of": "repost_of"}
    more = {"sentiment": "sentiment", "window": (0, 60), "unit": "day", "part": part}
    return hj.RetweetHawkes(), hj.read_cascades(folder / "posts.csv", **columns, **more)


def katz(folder, part=None):
    """A Katz spike model and its activity, all of which each process reads."""
    import hawkesjax as hj

    more = {"edges": "messages", "bin": 1, "usual": (0, 20), "fit": (20, 60)}
    return hj.KatzSpike(), hj.read_messages(folder / "messages.csv", **more)


KINDS = {"hawkes": hawkes, "retweet": retweet, "katz": katz}


def kept(result):
    """Values of an estimate or draws of a posterior, by name."""
    return {name: np.asarray(v) for name, v in getattr(result, "params", result).items()}


def main():
    number, processes, port, folder, deadly, name, options = sys.argv[1:]
    number, processes, deadly = int(number), int(processes), int(deadly)
    folder = Path(folder)
    if processes > 1:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(f"127.0.0.1:{port}", processes, number)
    import hawkesjax as hj

    options = json.loads(options)
    alone = options.pop("alone", False)
    part, mesh = (None, None) if alone else ((number, processes), hj.make_mesh(hosts=True))
    model, data = KINDS[options.pop("data", "hawkes")](folder, part)

    def die(now):
        if deadly and now.done >= deadly and number == processes - 1:
            os._exit(9)

    run = SHORT | options
    run |= {"key": 3, "mesh": mesh, "progress": False, "callback": die}
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", hj.SamplingWarning)
            draws = hj.sample(model, data, checkpoint=None if alone else folder / "run", **run)
        found = kept(draws.posterior) | {"said": np.array([str(one.message) for one in said])}
        if not deadly:
            estimate = hj.fit(model, data, mesh=mesh)
            found |= {f"fit/{n}": v for n, v in kept(estimate).items()}
            found["fit/log_likelihood"] = np.array(estimate.log_likelihood)
    except ValueError as error:
        (folder / f"{name}-{number}.txt").write_text(str(error))
    else:
        np.savez(folder / f"{name}-{number}.npz", **found)


if __name__ == "__main__":
    main()
