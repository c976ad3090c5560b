"""Sentiment levels from texts, on small made corpora."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from hawkesjax.retweet.data import sentiment as hj_text

NEEDS = "the extra hawkesjax[text] is not installed"

MADE = {
    "english": {
        1: ["horrible terrible disaster", "disaster and terrible hatred", "hatred, horrible!"],
        3: ["the meeting starts at noon", "meeting on monday at noon", "monday: the meeting"],
        5: ["wonderful beautiful joy", "what a joy, wonderful", "beautiful day of joy"],
    },
    "spanish": {
        1: ["horrible desastre terrible", "qué desastre y odio terrible", "odio horrible"],
        3: ["la reunión empieza al mediodía", "reunión del lunes", "lunes: reunión"],
        5: ["maravilloso día de alegría", "qué alegría maravillosa", "hermosa alegría"],
    },
}


@pytest.fixture
def installed():
    pytest.importorskip("sklearn", reason=NEEDS)
    pytest.importorskip("snowballstemmer", reason=NEEDS)


def corpus(language, times=4):
    rows = [
        (f"{one} https://t.co/{number} @user{number} {number}", level)
        for number in range(times)
        for level, texts in MADE[language].items()
        for one in texts
    ]
    return pd.DataFrame(rows, columns=["text", "level"])


CLEANED = [
    ("english", "Thousands are MARCHING @home! https://t.co/x #peace 2024", "thousand march peac"),
    ("english", "RT @a: www.site.org/x 4th COVID19 it's not GOOD", "not good"),
    ("english", "don’t a b c", "don't"),
    ("spanish", "¡Las manifestaciones de Madrid! @yo #NoALaGuerra 3 http://x.es", None),
    ("spanish", "", ""),
    ("english", "email@host.org", None),
]


@pytest.mark.parametrize("language, text, expected", CLEANED)
def test_words_are_what_is_left(installed, language, text, expected):
    words = hj_text.Words(language)(text)
    if expected is not None:
        assert words == expected.split()
    assert all(word == word.lower() and not any(c.isdigit() for c in word) for word in words)
    assert not any("http" in word or "@" in word for word in words)


def test_spanish_forms_share_a_stem(installed):
    words = hj_text.Words("spanish")
    assert words("manifestaciones") == words("manifestación")
    assert words("nunca no") == ["nunc", "no"]  # words that deny stay


@pytest.mark.parametrize("language", list(MADE))
def test_a_table_with_text_becomes_a_table_with_levels(installed, language, capsys):
    examples = corpus(language)
    fresh = pd.DataFrame(
        {"text": [texts[0].upper() for texts in MADE[language].values()], "id": [7, 8, 9]},
        index=[3, 1, 2],
    )
    scored = hj_text.score_sentiment(
        fresh, text="text", examples=examples, level="level", language=language, folds=3
    )
    assert scored["sentiment"].tolist() == list(MADE[language])
    assert scored.index.tolist() == [3, 1, 2]
    assert "sentiment" not in fresh.columns
    assert "accuracy 1.000" in capsys.readouterr().out
    assert scored.attrs["accuracy"].confusion.to_numpy().trace() == len(examples)


def test_accuracy_is_that_of_held_out_texts(installed):
    """Levels drawn by lot cannot be found in texts that were held out."""
    rng = np.random.default_rng(0)
    vocabulary = np.array([f"{a}{b}{a}{b}" for a in "bcdfg" for b in "aeiou"])
    texts = [" ".join(rng.choice(vocabulary, 8)) for _ in range(300)]
    levels = rng.integers(1, 6, 300)
    pipeline = hj_text.sentiment_pipeline("english")
    found = hj_text.cross_validate(pipeline, texts, levels)
    assert abs(found.mean - 0.2) < 0.1
    assert len(found.folds) == 5
    assert not hasattr(pipeline.named_steps["bayes"], "classes_")
    assert found.confusion.to_numpy().sum() == 300


def test_naive_bayes_by_hand(installed):
    """Log posterior odds of two levels from the counts of stems."""
    pipeline = hj_text.sentiment_pipeline("english", smoothing=0.5)
    pipeline.fit(["good good day", "bad day"], [5, 1])
    found = pipeline.predict_log_proba(["good"])[0]
    # three stems; smoothed shares of "good": 2.5 / 4.5 and 0.5 / 3.5; equal priors
    odds = np.log(2.5 / 4.5) - np.log(0.5 / 3.5)
    np.testing.assert_allclose(found[1] - found[0], odds)


def test_keywords_are_whole_words_or_hashtags():
    table = pd.DataFrame(
        {"text": ["Una MANIFESTACIÓN hoy", "#manifestacion", "manifestaciones", "nada", "la paz"]}
    )
    kept = hj_text.keep_keywords(table, text="text", keywords=["#manifestación", "LA PAZ"])
    assert kept.index.tolist() == [0, 1, 4]
    for bad in ([], [""], ["#"], [3]):
        with pytest.raises(ValueError, match="keywords"):
            hj_text.keep_keywords(table, text="text", keywords=bad)


REFUSED = [
    ({"level": [1, 2, 6, 1]}, "'level'.*row 2"),
    ({"level": [1, 2, None, 1]}, "'level'.*row 2"),
    ({"level": [1, 2, 2.5, 1]}, "'level'.*row 2"),
    ({"level": [1, 1, 1, 1]}, "one level only"),
    ({"level": [1, 1, 1, 2]}, "level 2 has 1 texts"),
    ({"text": ["a", None, "b", "c"]}, "missing text in row 1"),
    ({"text": ["a", 3, "b", "c"]}, "no text in row 1"),
]


@pytest.mark.parametrize("change, match", REFUSED)
def test_bad_examples_are_refused(installed, change, match):
    examples = pd.DataFrame(
        {"text": ["good", "bad", "good", "bad"], "level": [1, 2, 1, 2], **change}, dtype=object
    )
    with pytest.raises(ValueError, match=match):
        hj_text.score_sentiment(
            pd.DataFrame({"text": ["good"]}),
            text="text",
            examples=examples,
            level="level",
            language="english",
            folds=2,
        )


def test_bad_tables_and_languages_are_refused(installed):
    good = {"text": "text", "examples": corpus("english"), "level": "level", "language": "english"}
    table = pd.DataFrame({"text": ["good"], "sentiment": [1]})
    with pytest.raises(ValueError, match="into="):
        hj_text.score_sentiment(table, **good)
    with pytest.raises(ValueError, match="nothing to score"):
        hj_text.score_sentiment(table[["text"]], **good, keywords=["elsewhere"])
    with pytest.raises(ValueError, match="no column"):
        hj_text.score_sentiment(table, **{**good, "text": "body"})
    with pytest.raises(ValueError, match="stemmer"):
        hj_text.sentiment_pipeline("klingon")
    with pytest.raises(ValueError, match="stop_words="):
        hj_text.sentiment_pipeline("french")
    assert hj_text.sentiment_pipeline("french", stop_words=["le"]) is not None
    with pytest.raises(ValueError, match="smoothing"):
        hj_text.sentiment_pipeline("english", smoothing=0)


def test_without_the_extra_the_error_names_it():
    code = (
        "import sys; sys.modules['snowballstemmer'] = None; sys.modules['sklearn'] = None\n"
        "from hawkesjax.retweet.data.sentiment import sentiment_pipeline\n"
        "try:\n    sentiment_pipeline()\n"
        "except ImportError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'hawkesjax[text]'" in done.stdout
