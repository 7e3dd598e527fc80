"""The tables under reports/, as bytes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from zdl.analysis.ranking import PUBLISHED, csv, rank
from zdl.analysis.results import Settings, analyse
from zdl.artifacts.encoding import decode_json


def published_tables(
    settings: Settings, table: bytes, replicates: Sequence[bytes], baseline: bytes, held_out: bytes
) -> dict[str, bytes]:
    """The published tables of the search and of its replicates, and their metrics, by name of the file."""
    analysis = analyse(settings, table, replicates, baseline, held_out)
    search = analysis.search
    frames = {
        "ranking": search.ranking.head(PUBLISHED),
        "curves": search.curves,
        "leaders": search.leaders,
        "space": search.space,
        "budget": search.budget,
        "confirmed": analysis.replication.confirmed,
    }
    texts = {f"{name}.csv": csv(frame) for name, frame in frames.items()}
    for name, values in (("metrics", analysis.metrics), ("made_from", analysis.made_from)):
        texts[f"{name}.json"] = json.dumps(values, indent=2, allow_nan=False) + "\n"
    return {name: text.encode() for name, text in texts.items()}


def full_ranking(space: Mapping[str, Any], table: bytes) -> dict[str, bytes]:
    """The ranking of all trials; reports/ has only the best ones."""
    return {"ranking.csv": csv(rank(decode_json(table), space)).encode()}
