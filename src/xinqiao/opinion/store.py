"""A recogniser as one ``.npz`` file: arrays, and one JSON text; nothing in it is ever executed."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Annotated

import lightgbm as lgb
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import UserError, fail, user_error
from xinqiao.opinion.mention import COLUMNS
from xinqiao.opinion.ngrams import BITS, Floats
from xinqiao.opinion.recogniser import Line, Linear, Recogniser

MOST_BYTES = 64_000_000
FORMAT = "xinqiao.opinion.1"
ARRAYS = ("text_rarity", "text_weight", "context_rarity", "context_weight")
COMPARED = 3  # columns beside those of a mention: how its words compare with the others'


Share = Annotated[float, Field(ge=0, le=1)]


class _About(BaseModel):
    """What is not an array."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    format: str
    biases: tuple[float, float] = Field(strict=False)
    negative: tuple[float, float] = Field(strict=False)
    match: tuple[float, float] = Field(strict=False)
    thresholds: tuple[Share, Share] = Field(strict=False)
    words: tuple[str, ...] = Field(strict=False, max_length=10_000)
    unseen: tuple[float, float] = Field(strict=False)
    trained_on: int


def to_bytes(model: Recogniser) -> bytes:
    """The file's bytes; the same model gives the same bytes."""
    about = _About(
        format=FORMAT,
        biases=(model.text.bias, model.context.bias),
        negative=(model.negative.slope, model.negative.level),
        match=(model.match.slope, model.match.level),
        thresholds=model.thresholds,
        words=model.words,
        unseen=model.unseen,
        trained_on=model.trained_on,
    )
    texts = {
        "about": canonical_json(about.model_dump(mode="json")),
        "trees": model.trees.model_to_string().encode(),
    }
    both = (model.text.rarity, model.text.weight, model.context.rarity, model.context.weight)
    arrays = {name: values.astype(np.float32) for name, values in zip(ARRAYS, both, strict=True)}
    out = io.BytesIO()
    packed = {n: np.frombuffer(t, dtype=np.uint8) for n, t in texts.items()}
    np.savez_compressed(out, allow_pickle=False, **arrays, **packed)
    return out.getvalue()


def load(path: Path) -> Recogniser:
    """The recogniser in ``path``. Raises UserError NEWS-MODEL."""
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
        if size > MOST_BYTES:
            fail("NEWS-MODEL", str(path), detail=f"> {MOST_BYTES:,} bytes")
        with np.load(path, allow_pickle=False) as read:
            found = {name: np.asarray(read[name]) for name in (*ARRAYS, "about", "trees")}
        about = _About.model_validate(json.loads(found["about"].tobytes()))
        vectors = [_vector(found[name]) for name in ARRAYS]
        trees = lgb.Booster(model_str=found["trees"].tobytes().decode())
        if about.format != FORMAT or trees.num_feature() != len(COLUMNS) + COMPARED:
            fail("NEWS-MODEL", str(path), detail=about.format)
    except UserError:
        raise
    except Exception as error:  # zip, NumPy, JSON and LightGBM fail in more ways than they list
        raise user_error("NEWS-MODEL", str(path), detail=str(error)[:200]) from error
    return Recogniser(
        text=Linear(vectors[0], vectors[1], about.biases[0]),
        context=Linear(vectors[2], vectors[3], about.biases[1]),
        trees=trees,
        negative=Line(*about.negative),
        match=Line(*about.match),
        thresholds=about.thresholds,
        words=about.words,
        unseen=about.unseen,
        trained_on=about.trained_on,
    )


def _vector(values: Floats) -> Floats:
    if values.shape != (2**BITS,) or values.dtype != np.float32 or not np.isfinite(values).all():
        message = f"an array of {values.dtype} {values.shape}"
        raise ValueError(message)
    return values.astype(np.float64)
