"""What the tests of results share: analysis datasets as transport files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.writers import xpt


def _write(folder: Path, name: str, frame: pd.DataFrame) -> None:
    kinds = {column: "Num" if frame[column].dtype == float else "Char" for column in frame.columns}
    variables = tuple(
        VariableMetadata(column, column, kind, 8 if kind == "Num" else 0) for column, kind in kinds.items()
    )
    xpt.write(frame, DatasetMetadata(name, name, variables), folder / f"{name.lower()}.xpt")


@pytest.fixture
def write_dataset() -> Callable[[Path, str, pd.DataFrame], None]:
    """Write a frame as the transport file of a dataset: numbers as Num, texts as Char."""
    return _write
