"""One of several processes that share a panel: fits and samples its part, and keeps what it got.

Arguments: number, processes, port, folder (with the events in `events/`), steps after which the
last process dies (0: never), name of the result, options of `sample` as JSON.
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

    warnings.simplefilter("ignore", hj.SamplingWarning)
    model, mesh = hj.Hawkes(decay="shared"), hj.make_mesh(hosts=True)
    panel = hj.read_events(folder / "events", **TABLE, part=(number, processes))

    def die(now):
        if deadly and now.done >= deadly and number == processes - 1:
            os._exit(9)

    run = SHORT | json.loads(options)
    run |= {"key": 3, "mesh": mesh, "progress": False, "callback": die}
    try:
        found = kept(hj.sample(model, panel, checkpoint=folder / "run", **run).posterior)
        if not deadly:
            estimate = hj.fit(model, panel, mesh=mesh)
            found |= {f"fit/{n}": v for n, v in kept(estimate).items()}
            found["fit/log_likelihood"] = np.array(estimate.log_likelihood)
    except ValueError as error:
        (folder / f"{name}-{number}.txt").write_text(str(error))
    else:
        np.savez(folder / f"{name}-{number}.npz", **found)


if __name__ == "__main__":
    main()
