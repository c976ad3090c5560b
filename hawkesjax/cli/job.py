"""One run of a command: where it writes, what it prints, its steps and its end."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hawkesjax.cli import report
from hawkesjax.cli.options import Run, Sampling
from hawkesjax.cli.output import Output, fresh
from hawkesjax.cli.session import Speaker, print_json, start
from hawkesjax.cli.words import here

ESTIMATE, POSTERIOR = "estimate.json", "posterior.nc"
WHOLE, DATA = "estimate.nc", "data.nc"  # what `report` reads beside posterior.nc


class Job:
    """Outputs are checked first, then jax starts, then work begins.

    Args:
        stem: name of the output folder when the user names none.
        run: the options of the run.
        names: files in the output folder, besides the pictures.
        tables: tables that `--csv` writes, without ".csv".
        pictures: those that may be drawn, without the extension.
        chains: number of chains that run side by side.
    """

    def __init__(
        self,
        stem: str,
        run: Run,
        names: Sequence[str],
        tables: Sequence[str] = (),
        pictures: Sequence[str] = (),
        chains: int = 1,
    ) -> None:
        names = [*names, *([WHOLE] if ESTIMATE in names else [])]
        names += [DATA] if {ESTIMATE, POSTERIOR} & {*names} else []
        csv = [f"{name}.csv" for name in tables]
        self.csv = None if run.csv is None else Output(run.csv, csv, force=run.force)
        self.format = run.format
        self.drawn = pictures if run.pictures else ()
        drawn = [f"{name}.{run.format}" for name in self.drawn]
        self.out = Output(run.out or fresh(stem), [*names, *drawn], force=run.force)
        self.speaker, self.json = Speaker(run.quiet or run.json), run.json
        self.say = self.speaker.say
        self.hj = start(
            x64=run.x64, device=run.device, cores=run.cores, chains=chains, cache=run.cache
        )
        self.cores = run.cores
        import jax

        self.key = jax.random.key(run.seed)
        self.keys = jax.random.split(self.key, 3)

    def fit(self, model: Any, data: Any, starts: int = 1) -> Any:
        """Maximum likelihood; prints how it ended, and writes the estimate if it is declared."""
        self.speaker.lap()
        self.say("Maximising the likelihood ...")
        key = self.keys[1] if starts > 1 else None
        estimate = self.hj.fit(model, data, starts=starts, key=key)
        self.say(f"{here(estimate.message)} ({self.speaker.lap()})")
        self.say(
            f"Log-likelihood {estimate.log_likelihood:,.3f}, AIC {estimate.aic:,.2f}, "
            f"BIC {estimate.bic:,.2f}."
        )
        if ESTIMATE in self.out.names:
            report.write_estimate(self.out.path(ESTIMATE), estimate, data)
            estimate.save(self.out.path(WHOLE), force=True)
            data.save(self.out.path(DATA), force=True)
        return estimate

    def sample(self, model: Any, data: Any, sampling: Sampling, starts: int = 1) -> Any:
        """NUTS from the maximum, if there is one, with a progress bar; the result is saved
        immediately."""
        init = None if getattr(model, "pooled", False) else self.fit(model, data, starts)
        self.speaker.lap()
        self.say("Sampling the posterior with NUTS ...")
        with warnings.catch_warnings():
            if not self.speaker.quiet:  # the report says the same
                warnings.simplefilter("ignore", self.hj.SamplingWarning)
            posterior = self.hj.sample(
                model if init is None else init.model,
                data,
                key=self.keys[2],
                init=init,
                mesh=self._mesh(sampling.chains),
                progress=not self.speaker.quiet,
                **sampling.settings(),
            )
        sizes = posterior.posterior.sizes
        self.say(f"{sizes['chain']} chains of {sizes['draw']:,} draws ({self.speaker.lap()}).")
        posterior.save(self.out.path(POSTERIOR), force=True)
        data.save(self.out.path(DATA), force=True)
        return posterior

    def _mesh(self, chains: int) -> Any:
        """Where --cores gives each chain several: a mesh of them."""
        if self.cores is None or self.cores <= chains:
            return None
        each = self.cores // chains
        each = 1 << (each.bit_length() - 1)
        return self.hj.make_mesh(chains * each, chains=chains) if each > 1 else None

    def _content(
        self, result: Any, tables: Mapping[str, Any], outputs: Sequence[Output]
    ) -> dict[str, Any]:
        """What `--json` prints."""
        found: dict[str, Any] = {"files": [str(p.resolve()) for o in outputs for p in o.written]}
        found["tables"] = dict(tables)
        for name in ("message", "converged", "log_likelihood", "aic", "bic", "record"):
            if hasattr(result, name):
                found[name] = getattr(result, name)
        if hasattr(result, "problems"):
            found |= {"problems": result.problems(), "diagnosis": result.diagnose()}
        return found

    def finish(
        self,
        result: Any,
        tables: Mapping[str, Any],
        figures: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        """Write the declared tables and pictures, and print where they are.

        Args:
            result: the estimate or posterior that the run is about, or whatever was computed.
            tables: by name; undeclared names are left out.
            figures: makes the pictures by name; called only if some are wanted.

        Raises:
            RuntimeError: if an estimate did not converge.
            KeyboardInterrupt: if sampling was stopped early.
        """
        outputs = [output for output in (self.out, self.csv) if output is not None]
        for output in outputs:
            for name, frame in tables.items():
                if f"{name}.csv" in output.names:
                    if frame.columns.nlevels > 1:
                        frame = frame.set_axis([" ".join(each) for each in frame.columns], axis=1)
                    frame.to_csv(output.path(f"{name}.csv"))
        if self.drawn:
            pictures = figures()
            for name in self.drawn:
                if name in pictures:
                    pictures[name].savefig(self.out.path(f"{name}.{self.format}"))
        self.say()
        for output in outputs:
            if output.written:
                self.say(f"Written to {output.folder.resolve()}:")
                names = [name for name in output.names if output.folder / name in output.written]
                self.say("  " + ", ".join(names))
        if self.json:
            print_json(self._content(result, tables, outputs))
        if getattr(result, "info", {}).get("stopped"):
            raise KeyboardInterrupt("stopped early; the draws that were finished are kept")
        if not getattr(result, "converged", True):
            raise RuntimeError(result.message)
