"""Panels to try things on: simulated ones, and a real one that is fetched when asked for."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Array

from hawkesjax.core.verbs import simulate
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.model import Hawkes
from hawkesjax.inputs.arguments import checked
from hawkesjax.inputs.checks import ROWS, short
from hawkesjax.inputs.dates import read_dates

RUMOURS = (
    "https://raw.githubusercontent.com/MickeysClubhouse/COVID-19-rumor-dataset/"
    "6ba8adf28a2ca607717c6bbe3c1f4ea95d6d9571/Data/twitter/"
)
# The twelve files of most replies within two days, and their SHA-256.
REPLIES = {
    "3904163061532433784.csv": "63c2877ff90f041f1fb1df1bceb1f0c25d217b37cd26c87e144aa895d2903d31",
    "5041049941421788035.csv": "e740e1672a20e42a82e47440d30127990178bcfc894de4d284c3cce42c5ece71",
    "5149503227168151489.csv": "9b7f6f3fbb26625403210c585f21ddaf700cb4c28c17ddff11eecae57259229b",
    "8862701708235295031.csv": "8f36cf899971593e63b1eccee8270106e23159c8bc1c3a730f8b02db774ddba8",
    "729848051259033633.csv": "86bf849534146bd39f49c34440f0c3a92501c13e551797716ed93175657c0cd4",
    "3376106492196800253.csv": "ccf9806af3bbd78ebae7fc5762ffca1bcab8c40465ac717aa8ca4d09ab5d405d",
    "321379772433359529.csv": "380fd32d347aa94f75d9aa4aa2431f04e5e90523897a2a7a27b3c1852fa222bd",
    "3854252538003740454.csv": "60ee037bc6b0a3f364ca2d8fb2e46578958e4570f7e74a5199e4f41a4979079e",
    "58057340875182873.csv": "a85119ec858bc44ed59a9f89567baf972f6e59b12e38a4b9847dcca13484063a",
    "6281757369307983190.csv": "c961a48476cf71395b8830a2b86577d6e9b4e38930b6a1294293b7fbd13ec6a4",
    "5356788452331829702.csv": "3f0e97be429a322b8d476078eae4db09e5b886d11390744fca33d42227b4e3f8",
    "1305032616962044191.csv": "7d1706c87c087ff8fb87b06268ad941153ad26682d9a97d3fae7327b1e3313ae",
}
HOURS = 48.0


def spillover(
    *, key: Array | int, users: int = 10, days: float = 200.0
) -> tuple[EventPanel, dict[str, np.ndarray]]:
    """A simulated panel of online and offline events, and the parameters that made it.

    Each user posts online and acts offline; both kinds set off more of both. The parameters are
    the defaults of o2o-process: 0.3 online and 0.1 offline events per day of their own accord,
    `alpha` 0.8 online on online, 0.2 offline on online, 0.1 online on offline and 0.6 offline on
    offline, with half-lives between 3 and 17 hours. About 3.2 events per user and day result.

    Args:
        key: PRNG key.
        users: number of sequences.
        days: length of the window.

    Returns:
        The panel (marks "online" and "offline", unit "day"), and the truth: `mu` (users, 2),
        `alpha` (2, 2), `gamma` (2, 2), row = target.

    Example:
        >>> panel, truth = hj.datasets.spillover(key=jax.random.key(0))

    Source: the simulator of o2o-process 3.10.30. There, only the first user's events have
    offspring and index 0 is offline; here every user's do, and index 0 is online.
    """
    truth = {
        "mu": np.tile([0.3, 0.1], (users, 1)),
        "alpha": np.array([[0.8, 0.2], [0.1, 0.6]]),
        "gamma": np.array([[2.0, 3.0], [1.0, 5.0]]),
    }
    width = len(str(users))
    panel = simulate(
        Hawkes(),
        truth,
        window=(0.0, days),
        key=key,
        sequence_names=[f"user {number:0{width}d}" for number in range(1, users + 1)],
        mark_names=["online", "offline"],
        unit="day",
    )
    return panel, truth


@checked
def rumours(*, folder: str | os.PathLike[str] | None = None) -> EventPanel:
    """Real replies to twelve tweets that carried rumours of early 2020, by their stance.

    A sequence is a rumour, watched for the 48 hours from its first reply; a mark is the stance of a
    reply: comment, deny, query or support. 2,889 replies. The first call fetches twelve files
    (0.6 MB) with pooch, checked against their SHA-256, and later ones read them where they lie;
    texts and accounts are not read.

    How these replies were collected is not said: some 300 of a tweet at most, so that what is seen
    of a busy rumour may be a part, and the hour of the tweet itself is not known.

    Args:
        folder: where the files are kept; by default the user's folder of caches.

    Returns:
        The panel, in hours since each first reply.

    Raises:
        ImportError: without pooch.
        OSError: when the files are not there and cannot be fetched; it says where to put them.
        ValueError: for a file with other content.

    Source: Cheng et al., "A COVID-19 rumor dataset", Frontiers in Psychology 12:644801 (2021);
    github.com/MickeysClubhouse/COVID-19-rumor-dataset, MIT licence.
    """
    parts = []
    for number, path in enumerate(_fetched(RUMOURS, REPLIES, folder), 1):
        table: Any = pd.read_csv(path, usecols=["comment", "time", "stance"]).drop_duplicates()
        time = read_dates(table["time"], None, "time", ROWS)
        hour = (time - time.min()).dt.total_seconds() / 3600
        parts.append(
            pd.DataFrame(
                {"rumour": f"rumour {number:02d}", "hour": hour, "stance": table["stance"]}
            )
        )
    table = pd.concat(parts, ignore_index=True)
    return EventPanel.from_dataframe(
        table[table["hour"] <= HOURS],
        time="hour",
        mark="stance",
        sequence="rumour",
        window=(0.0, HOURS),
        unit="hour",
    )


def _fetched(address: str, known: dict[str, str], folder: str | os.PathLike[str] | None) -> list:
    """The files of an address where they lie on this machine, fetched where they do not yet."""
    try:
        import pooch
    except ImportError as error:
        raise ImportError("Fetching data needs pooch: pip install 'hawkesjax[fetch]'.") from error
    place = pooch.os_cache("hawkesjax") / "rumours" if folder is None else Path(folder)
    keeper = pooch.create(place, base_url=address, registry=known, allow_updates=False)
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)  # it prints a line for every file
    try:
        return [keeper.fetch(name) for name in known]
    except OSError as error:
        missing = [name for name in known if not (place / name).exists()]
        raise OSError(
            f"{place} has {len(known) - len(missing)} of the {len(known)} files, and the others "
            f"cannot be fetched ({error.strerror or type(error).__name__}): connect and try again, "
            f"or download from {address} by hand and put there: {', '.join(missing)}."
        ) from error
    except ValueError as error:
        there = [name for name in known if (place / name).exists()]
        wrong = [name for name in there if pooch.file_hash(place / name) != known[name]]
        if wrong:
            raise ValueError(
                f"{place / wrong[0]} has other content than it should (its SHA-256 is not "
                f"{known[wrong[0]]}): delete it, and try again."
            ) from error
        raise ValueError(
            f"What came from {address} has other content than it should, so it was not kept "
            f"({short(error, 200)}): try again, from another network if one stands between."
        ) from error
    finally:
        logger.setLevel(level)
