"""From texts to sentiment levels: words, their counts, and a multinomial naive Bayes.

Needs the extra `hawkesjax[text]` (scikit-learn and snowballstemmer), imported when first used.
"""

from __future__ import annotations

import functools
import importlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.arguments import Positive, Whole, checked
from hawkesjax.inputs.checks import column_of, flaw, listed, listed_once, refuse, short
from hawkesjax.inputs.tables import open_table
from hawkesjax.retweet.data.stop_words import STOP_WORDS

LEVELS = (1, 2, 3, 4, 5)
LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
MENTION = re.compile(r"(?<!\w)@\w+")
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
NUMBER = re.compile(r"\w*\d\w*")


@dataclass(frozen=True)
class Words:
    """A text as a list of stems; give it to any vectoriser as its `analyzer`.

    Links, mentions, numbers (and words with digits in them), punctuation and stop words go;
    hashtags keep their word; what is left is in lower case without its ending.

    Args:
        language: "english" or "spanish", or any other that snowballstemmer knows together with
            your own `stop_words`.
        stop_words: words to leave out; None: the language's. Words that deny (no, not, nunca)
            are not among ours, since they turn a sentiment round.

    Example:
        >>> from hawkesjax.retweet.data.sentiment import Words
        >>> Words("english")("Thousands are MARCHING @home again! https://t.co/x #peace 2024")
        ['thousand', 'march', 'peac']
    """

    language: str = "spanish"
    stop_words: tuple[str, ...] | None = None

    def __call__(self, text: str) -> list[str]:
        stop = set(STOP_WORDS[self.language] if self.stop_words is None else self.stop_words)
        text = unicodedata.normalize("NFC", str(text)).lower()
        for pattern in (LINK, MENTION, NUMBER):
            text = pattern.sub(" ", text)
        words = [word.replace("’", "'") for word in WORD.findall(text)]
        kept = [word for word in words if word not in stop and len(word) > 1]
        return _stemmer(self.language).stemWords(kept)


@dataclass(frozen=True)
class Accuracy:
    """How often levels of texts that were held out are found.

    Args:
        folds: accuracy of each fold.
        majority: accuracy of always saying the most frequent level.
        off_by: mean distance between level and guess.
        confusion: one row per true level, one column per guess.
    """

    folds: np.ndarray
    majority: float
    off_by: float
    confusion: pd.DataFrame

    @property
    def mean(self) -> float:
        """Mean accuracy over the folds."""
        return float(self.folds.mean())

    def __repr__(self) -> str:
        spread = f" (sd {self.folds.std(ddof=1):.3f} over {len(self.folds)} folds)"
        return (
            f"Cross-validated accuracy {self.mean:.3f}{spread}; always the most frequent level: "
            f"{self.majority:.3f}; mean distance {self.off_by:.2f} levels"
        )


@checked
def sentiment_pipeline(
    language: str = "spanish", *, stop_words: Sequence[str] | None = None, smoothing: Positive = 1.0
) -> Any:
    """A scikit-learn pipeline from texts to levels: stems, bag of words, naive Bayes.

    Args:
        language: of the texts: "english", "spanish", or another that snowballstemmer knows.
        stop_words: your own; needed for other languages.
        smoothing: added to every count of a word in a level.

    Returns:
        An unfitted `sklearn.pipeline.Pipeline` with `fit`, `predict` and `predict_proba`.

    Raises:
        ImportError: without the extra; names it.
        ValueError: for a language without stemmer or stop words.

    Source: data preparation of Pulido and Gomez (2024), arXiv 2402.03378.
    """
    known = _import("snowballstemmer").algorithms()
    if language not in known:
        raise ValueError(f"language={language!r} has no stemmer; there are {listed(known, 40)}.")
    if stop_words is None and language not in STOP_WORDS:
        raise ValueError(
            f"There are stop words for {listed(STOP_WORDS)}; for {language!r} give stop_words=."
        )
    given = None if stop_words is None else tuple(map(str.lower, _words(stop_words)))
    vectorizer = _import("sklearn.feature_extraction.text").CountVectorizer
    bayes = _import("sklearn.naive_bayes").MultinomialNB
    return _import("sklearn.pipeline").Pipeline(
        [("words", vectorizer(analyzer=Words(language, given))), ("bayes", bayes(alpha=smoothing))]
    )


@checked
def cross_validate(
    pipeline: Any, texts: Any, levels: Any, *, folds: int = 5, seed: Whole = 0
) -> Accuracy:
    """Accuracy on texts held out, in folds with all levels in their proportions.

    Args:
        pipeline: as `sentiment_pipeline` makes it; it is not changed.
        texts, levels: the labelled texts, levels 1 to 5.
        folds: number of folds; each level needs as many texts.
        seed: of the shuffle.

    Raises:
        ValueError: for levels that are none, or with fewer texts than folds.
    """
    texts, levels = _labelled(texts, levels)
    kinds, counts = np.unique(levels, return_counts=True)
    if len(kinds) < 2:
        raise ValueError("The labelled texts have one level only; there is nothing to learn.")
    if folds < 2 or counts.min() < folds:
        rarest = kinds[counts.argmin()]
        raise ValueError(
            f"folds is {folds}: level {rarest} has {counts.min()} texts. Label more, or take at "
            f"least 2 folds and at most that many."
        )
    selection = _import("sklearn.model_selection")
    splits = selection.StratifiedKFold(folds, shuffle=True, random_state=seed)
    guessed = selection.cross_val_predict(pipeline, texts, levels, cv=splits)
    shares = [np.mean((guessed == levels)[test]) for _, test in splits.split(texts, levels)]
    confusion = pd.crosstab(levels, guessed, rownames=["level"], colnames=["guess"])
    confusion = confusion.reindex(index=kinds, columns=kinds, fill_value=0)
    off = float(np.mean(np.abs(levels - guessed)))
    return Accuracy(np.array(shares), float(counts.max() / counts.sum()), off, confusion)


@checked
def score_sentiment(
    df: pd.DataFrame,
    *,
    text: Any,
    examples: pd.DataFrame,
    level: Any,
    language: str = "spanish",
    keywords: Iterable[str] | None = None,
    stop_words: Sequence[str] | None = None,
    into: str = "sentiment",
    folds: int = 5,
) -> pd.DataFrame:
    """A table with a column of texts becomes a table with sentiment levels 1 to 5.

    Prints the cross-validated accuracy on the examples first: levels that are hardly better
    than always the most frequent one carry nothing into a model.

    Args:
        df: one row per post.
        text: the column of texts, of the same name in `examples`.
        examples: texts whose level is known.
        level: their column of levels.
        language, stop_words: as in `sentiment_pipeline`.
        keywords: keep only the rows of `df` whose text has one of them (whole words or hashtags,
            without regard to case); None keeps all.
        into: name of the new column.
        folds: of the cross-validation.

    Returns:
        A copy with the new column; its `attrs["accuracy"]` is the `Accuracy`.

    Raises:
        ImportError: without the extra; names it.
        ValueError: for missing columns or texts, a level that is none, or nothing left to score.
    """
    df, _ = open_table(df, ("text",), text=text)
    examples, _ = open_table(examples, ("text", "level"), text=text, level=level)
    if into in df.columns or flaw(into):
        what = "has one already" if into in df.columns else "cannot have it"
        raise ValueError(f"The table {what}, a column {into!r}. Pass into= another name.")
    out = df if keywords is None else keep_keywords(df, text=text, keywords=keywords)
    if not len(out):
        raise ValueError("No row has one of the keywords; there is nothing to score.")
    texts = _texts(out[text], str(text))
    pipeline = sentiment_pipeline(language, stop_words=stop_words)
    accuracy = cross_validate(pipeline, examples[text], examples[level], folds=folds)
    print(accuracy)
    pipeline.fit(*_labelled(examples[text], examples[level]))
    out = out.copy()
    out[into] = pipeline.predict(texts).astype(np.int64)
    out.attrs["accuracy"] = accuracy
    return out


@checked
def keep_keywords(df: pd.DataFrame, *, text: Any, keywords: Iterable[Any]) -> pd.DataFrame:
    """The rows whose text has at least one keyword as a whole word, or as a hashtag.

    Args:
        df: the table.
        text: its column of texts.
        keywords: words or phrases, without regard to case and accents.

    Raises:
        ValueError: for no keyword, or an empty one.
    """
    wanted = [keywords] if isinstance(keywords, str) else listed_once(keywords) or []
    if not wanted or not all(isinstance(word, str) and word.strip(" #") for word in wanted):
        raise ValueError(f"keywords are {short(keywords)}: give at least one word, none empty.")
    df, _ = open_table(df, ("text",), text=text)
    plain = [re.escape(_plain(word.strip(" #"))) for word in wanted]
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(plain)})(?!\w)")
    has = [bool(pattern.search(_plain(one))) for one in _texts(df[text], str(text))]
    return df.loc[np.array(has, bool)]


def _plain(text: str) -> str:
    """In lower case without accents."""
    parts = unicodedata.normalize("NFD", text.lower())
    return "".join(part for part in parts if not unicodedata.combining(part))


def _texts(values: Any, column: str) -> np.ndarray:
    series = column_of(values, column)
    remedy = "Drop these rows, or give them a text."
    refuse(series.isna(), column, "a missing text", remedy)
    words = series.map(lambda one: isinstance(one, str)).to_numpy(dtype=bool)
    refuse(~words, column, "no text", remedy, series)
    return series.to_numpy(dtype=object)


def _labelled(texts: Any, levels: Any) -> tuple[np.ndarray, np.ndarray]:
    texts = _texts(texts, "text")
    series = column_of(levels, "level")
    if len(series) != len(texts):
        raise ValueError(f"There are {len(texts):,} texts and {len(series):,} levels.")
    numbers: Any = pd.to_numeric(series, errors="coerce")
    wrong = ~numbers.isin(LEVELS).to_numpy(dtype=bool)
    show = lambda row: short(series[row])  # noqa: E731
    refuse(wrong, "level", "no level", "Levels are the whole numbers 1 to 5.", show)
    return texts, numbers.to_numpy(np.int64)


def _words(stop_words: Any) -> list[str]:
    words = None if isinstance(stop_words, str) else listed_once(stop_words)
    if words is None or not all(isinstance(word, str) for word in words):
        raise ValueError(f"stop_words are {short(stop_words)}. Give a list of words.")
    return words


@functools.cache
def _stemmer(language: str) -> Any:
    return _import("snowballstemmer").stemmer(language)


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"Scoring sentiment needs {name.split('.')[0]}: pip install 'hawkesjax[text]'."
        ) from error
