"""Do residuals follow their law: Kolmogorov-Smirnov and Anderson-Darling, in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy
from jaxtyping import Float

from hawkesjax.inputs.checks import counted

SMALL = 0.05  # p-values at or below this speak against the model
SMALL_FITTED = 0.01  # where they are too large already
FEW = 5  # of 4 residuals, the Kolmogorov-Smirnov distance must reach 0.73 for a p-value of 0.01


def residual_tests(table: pd.DataFrame) -> pd.DataFrame | pd.Series:
    """Do residuals follow their law: waiting times the unit exponential one, those of counts the
    standard normal one.

    Args:
        table: what `residuals` gave.

    Returns:
        Of waiting times (columns sequence, mark, residual) the table of `exponential_tests`; of
        counts (columns observed, expected, residual) the figures of `normal_tests`.

    Raises:
        ValueError: for anything else.
    """
    columns = set(table.columns) if isinstance(table, pd.DataFrame) else set()
    if {"sequence", "mark", "residual"} <= columns:
        return exponential_tests(table)
    if {"observed", "expected", "residual"} <= columns:
        return normal_tests(table)
    raise ValueError(
        f"residual_tests takes the table that residuals gave, not {type(table).__name__}"
        f"{' of ' + ', '.join(map(str, sorted(columns))) if columns else ''}."
    )


def normal_tests(table: pd.DataFrame) -> pd.Series:
    """Are quantile residuals standard normal: their mean and standard deviation (0 and 1
    expected), Kolmogorov-Smirnov distance and p-value, and the correlation of successive ones.

    Args:
        table: of `residuals`, with a key.
    """
    values = table["residual"].to_numpy()
    if len(values) < 3:
        raise ValueError(f"{len(values)} residuals are too few to be tested.")
    test = scipy.stats.kstest(values, "norm")
    later, earlier = values[1:] - values.mean(), values[:-1] - values.mean()
    return pd.Series(
        {
            "count": len(values),
            "mean": values.mean(),
            "sd": values.std(),
            "ks": test.statistic,
            "p": test.pvalue,
            "lag 1": float(np.mean(later * earlier) / max(values.var(), 1e-300)),
        }
    )


def exponential_tests(table: pd.DataFrame) -> pd.DataFrame:
    """Are residuals unit exponential: a row for all events, each mark, each sequence, and each
    mark of each sequence.

    Kolmogorov-Smirnov looks at the largest distance of the distribution function,
    Anderson-Darling gives weight to both ends: the shortest waiting times (bursts, ties) and the
    longest (silences).

    Parameters that were fitted to the same events lie closer to them than the true ones, so
    these p-values are too large: a small one speaks against the model, a large one does not
    speak for it. `residual_bootstrap` gives p-values without this flaw. Rows are not
    independent, and among many some p-values are small by chance.

    Args:
        table: of `residuals`, with `join=True` where sequences are short. Where it has residuals
            of rounded times spread over their steps (`jittered`), those are tested. Residuals of
            NaN, of events on their window's start, are left out, and said to be.

    Returns:
        Indexed by sequence and mark (`all` where they are put together): number of residuals, mean
        residual (1 expected), `ks` and its p-value, `ad` and its p-value, and a sentence.
        NaN in rows without events (`table.attrs["left out"]` may say why a mark has none), and for
        `ad` among residuals of 0 (simultaneous events, which the model does not expect), where it
        has no value.
    """
    names = [["all", *table[name].cat.categories] for name in ("sequence", "mark")]
    index = pd.MultiIndex.from_product(names, names=["sequence", "mark"])
    jittered, why = "jittered" in table, table.attrs.get("left out", {})
    rows = [_test(one, jittered, why.get(mark)) for (_, mark), one in groups(table).items()]
    return pd.DataFrame(rows, index=index)


def groups(table: pd.DataFrame) -> dict[tuple[str, str], Float[np.ndarray, " _"]]:
    """Residuals (jittered ones where there are any) by sequence and mark, and put together under
    `all`; NaN for events on their window's start."""
    values = table["jittered" if "jittered" in table else "residual"].to_numpy(float)
    sequences, marks = (table[name].cat.categories for name in ("sequence", "mark"))
    owner = table["sequence"].cat.codes.to_numpy()
    kind = table["mark"].cat.codes.to_numpy()
    whole = np.ones(len(table), bool)
    by_mark = {"all": whole} | {str(name): kind == n for n, name in enumerate(marks)}
    by_sequence = {"all": whole} | {str(name): owner == n for n, name in enumerate(sequences)}
    return {
        (sequence, mark): values[own & same]
        for sequence, own in by_sequence.items()
        for mark, same in by_mark.items()
    }


def _test(
    whole: Float[np.ndarray, " events"], jittered: bool, without: str | None
) -> dict[str, object]:
    values = whole[~np.isnan(whole)]
    count = len(values)
    if count == 0:
        said = in_words(whole, np.nan, np.nan, fitted=True, jittered=jittered)
        blank = dict.fromkeys(("mean", "ks", "ks p", "ad", "ad p"), np.nan)
        return {"events": 0, **blank, "in words": without or said}
    ks, ad = kolmogorov_smirnov(values), anderson_darling(values)
    ks_p = float(scipy.stats.kstwo.sf(ks, count))
    ad, ad_p = (ad, 1 - anderson_darling_cdf(ad, count)) if np.isfinite(ad) else (np.nan, np.nan)
    return {
        "events": count,
        "mean": float(values.mean()),
        "ks": ks,
        "ks p": ks_p,
        "ad": ad,
        "ad p": ad_p,
        "in words": in_words(whole, ks_p, ad_p, fitted=True, jittered=jittered),
    }


def in_words(
    values: Float[np.ndarray, " events"], ks: float, ad: float, *, fitted: bool, jittered: bool
) -> str:
    """A verdict from the two p-values; `fitted`: they are too large; `jittered`: rounded times were
    spread over their step."""
    kept = values[~np.isnan(values)]
    said = [_verdict(kept, ks, ad, fitted)]
    if jittered and len(kept):
        said.append("rounded times were spread evenly over their step")
    if len(kept) < len(values):
        lost = counted(len(values) - len(kept), "event")
        said.append(f"{lost} on a window's start left out, without a waiting time")
    return "; ".join(said)


def _verdict(values: np.ndarray, ks: float, ad: float, fitted: bool) -> str:
    if not len(values):
        return "no events"
    if len(values) < FEW:
        return "too few events to tell"
    ties = int(np.sum(values == 0))
    small = SMALL_FITTED if fitted else SMALL
    if ties and ks > small:
        zero = counted(ties, "waiting time")
        return f"{zero} of 0: simultaneous events, which the model does not expect"
    if np.nanmin([ks, ad]) > small:
        more = ", but p is too large after fitting" if fitted else ""
        return f"no misfit seen{more}"
    ordered = np.sort(values)
    over, under = _deviations(ordered)
    more = over.max() > under.max()  # of those below than there should be
    place = ordered[np.argmax(over if more else under)]
    if place < 1:
        return f"misfit: too {'many' if more else 'few'} short waiting times"
    return f"misfit: too {'few' if more else 'many'} long waiting times"


def kolmogorov_smirnov(values: Float[np.ndarray, " events"]) -> float:
    """Largest distance of the distribution function of n values from the unit exponential's."""
    return float(np.max(_deviations(np.sort(values))))


def _deviations(ordered: np.ndarray) -> np.ndarray:
    """By how much the distribution function lies above the exponential's, and below it."""
    expected = -np.expm1(-ordered)
    steps = np.arange(len(ordered) + 1) / len(ordered)
    return np.stack([steps[1:] - expected, expected - steps[:-1]])


def anderson_darling(values: Float[np.ndarray, " events"]) -> float:
    r"""Distance of n values from the unit exponential.

    .. math:: A^2 = -n - \frac1n \sum_{i=1}^n (2i - 1) (\log F(x_i) + \log(1 - F(x_{n+1-i})))
    """
    ordered = np.sort(values)
    count = len(ordered)
    with np.errstate(divide="ignore"):
        terms = np.log(-np.expm1(-ordered)) - ordered[::-1]
    weights = 2 * np.arange(1, count + 1) - 1
    return float(-count - np.mean(weights * terms))


def anderson_darling_cdf(statistic: float, count: int) -> float:
    """Probability that the statistic of `count` values is below this, under a known law.

    The limiting law and its correction for n, to about 1e-5. SciPy knows the law only for
    parameters estimated from the sample.

    Source: Marsaglia and Marsaglia (2004), J. Stat. Softw. 9(2), 1-5.
    """
    z = statistic
    if not np.isfinite(z):
        return 1.0
    if z <= 0:
        return 0.0
    if z < 2:
        powers = [0.00168691, -0.0116720, 0.0347962, -0.0649821, 0.247105, 2.00012]
        limit = np.exp(-1.2337141 / z) / np.sqrt(z) * np.polyval(powers, z)
    else:
        powers = [-0.0003146, 0.008056, -0.082433, 0.43424, -2.30695, 1.0776]
        limit = np.exp(-np.exp(np.polyval(powers, z)))
    return float(np.clip(limit + _correction(limit, count), 0, 1))


def _correction(x: float, count: int) -> float:
    if x > 0.8:
        powers = [255.7844, -1116.360, 1950.646, -1705.091, 745.2337, -130.2137]
        return float(np.polyval(powers, x)) / count
    cut = 0.01265 + 0.1757 / count
    if x < cut:
        t = x / cut
        shape = np.sqrt(t) * (1 - t) * (49 * t - 102)
        return shape * (0.0037 / count**2 + 0.00078 / count + 0.00006) / count
    t = (x - cut) / (0.8 - cut)
    shape = float(np.polyval([1.91864, -8.259, 14.458, -14.6538, 6.54034, -0.00022633], t))
    return shape * (0.04213 + 0.01365 / count) / count
