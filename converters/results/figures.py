"""Figures as SVG and PNG: survival and incidence curves with numbers at risk, and swimmer plots.

The bytes depend on the data alone: no date, no random names, the fonts that matplotlib ships.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .analysis_data import TIME_DATASET, AnalysisData
from .ard import COLUMNS, OVERALL, Group, groups_of, incidence_curve, number_text, survival_curve
from .spec import Figure, Line
from .survival import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Okabe and Ito: told apart by colour-blind eyes too."""
STYLES = ("-", "--", "-.", ":")
MARKS = ("o", "s", "^", "D", "v", "P")
INK, GREY = "#222222", "#767676"
SETTINGS = {
    "svg.hashsalt": "cdiscway", "svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 9.0, "axes.edgecolor": INK,
    "axes.spines.top": False, "axes.spines.right": False, "text.color": INK, "axes.labelcolor": INK, "figure.dpi": 100.0,
    "xtick.color": INK, "ytick.color": INK, "path.simplify": False,
}  # fmt: skip


@dataclass(frozen=True)
class NamedCurve:
    """A curve with its name, and where it comes from: parameter, cause and group level."""

    name: str
    line: Line
    group: str
    curve: Curve


@dataclass(frozen=True)
class Drawn:
    """A figure that is drawn: both files, its analysis results data, and what it shows in words."""

    figure: Figure
    svg: bytes
    png: bytes
    ard: pd.DataFrame
    words: str


def draw(figure: Figure, data: AnalysisData, *, synthetic: bool = False) -> Drawn:
    """Draw a figure from the analysis datasets."""
    import matplotlib as mpl  # noqa: PLC0415 - optional extra, and slow to import
    from matplotlib.figure import Figure as Canvas  # noqa: PLC0415

    with mpl.rc_context(SETTINGS):  # type: ignore[arg-type]
        if figure.kind == "swimmer":
            lanes = swimmer_lanes(figure, data)
            canvas: Any = Canvas(figsize=(8, 1.4 + 0.26 * max(len(lanes), 3)), layout="constrained")
            _draw_lanes(canvas.subplots(), figure, lanes)
            ard, words = _lane_ard(figure, lanes), f"{len(lanes)} subjects"
        else:
            curves = named_curves(figure, data)
            canvas = Canvas(figsize=(8, 4.6 + 0.2 * len(curves)), layout="constrained")
            upper, lower = canvas.subplots(2, 1, sharex=True, height_ratios=[12, 1 + len(curves)])
            _draw_curves(upper, figure, curves)
            _draw_at_risk(lower, figure, curves)
            ard, words = _curve_ard(figure, curves), "; ".join(_tell(item) for item in curves)
        if synthetic:
            canvas.text(0.995, 0.995, "SYNTHETIC DATA", ha="right", va="top", color=INK, fontsize=8)
        if figure.footnotes:
            canvas.supxlabel("\n".join(figure.footnotes), x=0.005, ha="left", color=GREY, fontsize=8)
        files = []
        for kind, metadata in (("svg", {"Date": None, "Creator": "cdiscway"}), ("png", {"Software": "cdiscway"})):
            memory = BytesIO()
            canvas.savefig(memory, format=kind, metadata=metadata, dpi=160)
            files.append(memory.getvalue())
    return Drawn(figure, files[0], files[1], ard, words)


def named_curves(figure: Figure, data: AnalysisData) -> list[NamedCurve]:
    """Return every curve of a figure: its parameters, each overall or by the levels of the group."""
    subjects = data.subjects(figure.population)
    groups = groups_of(subjects, figure.group, figure.groups) or [Group("", subjects["USUBJID"])]
    return [item for line in figure.curves for item in _of_line(figure, line, groups, data)]


def _of_line(figure: Figure, line: Line, groups: Sequence[Group], data: AnalysisData) -> Iterator[NamedCurve]:
    records = data.select(TIME_DATASET, f'PARAMCD == "{line.parameter}"')
    told: Iterable[str] = records["PARAM"].dropna() if "PARAM" in records else ()
    label = line.label or str(next(iter(told), line.parameter))
    for group in groups:
        part, level = group.of(records), group.name
        made = survival_curve if figure.kind == "kaplan_meier" else None
        curve = made(part, figure.level) if made else incidence_curve(part, line.cause, figure.level)
        yield NamedCurve(", ".join(text for text in (label, level) if text), line, level, curve)


def _tell(item: NamedCurve) -> str:
    return f"{item.name}: {len(item.curve.exits)} subjects, {item.curve.events} events"


def _until(figure: Figure, curves: Sequence[NamedCurve]) -> float:
    if figure.until is not None:
        return figure.until
    return max((float(item.curve.exits[-1]) for item in curves if len(item.curve.exits)), default=1.0) / figure.per


def _draw_curves(axes: Axes, figure: Figure, curves: Sequence[NamedCurve]) -> None:
    until = _until(figure, curves)
    for place, item in enumerate(curves):
        last = item.curve.exits[-1] if len(item.curve.exits) else 0.0  # nothing is known after the last time
        colour, style = COLOURS[place % len(COLOURS)], STYLES[place % len(STYLES)]
        times = np.append(item.curve.times, last) / figure.per
        lines = [np.append(line, line[-1]) for line in (item.curve.estimate, item.curve.lower, item.curve.upper)]
        axes.step(times, 100 * lines[0], where="post", color=colour, linestyle=style, label=item.name, linewidth=1.8)
        if item.curve.events:
            axes.fill_between(times, 100 * lines[1], 100 * lines[2], step="post", color=colour, alpha=0.12, linewidth=0)
        heights = item.curve.estimate[np.searchsorted(item.curve.times, item.curve.censored, side="right") - 1]
        axes.plot(item.curve.censored / figure.per, 100 * heights, "|", color=colour, markersize=7)
    axes.set_ylim(-2, 104)
    axes.set_xlim(0, until)
    if figure.step is not None:
        axes.set_xticks(np.arange(0, until + 1e-9, figure.step))
    axes.tick_params(axis="x", labelbottom=True)
    axes.set_ylabel("Survival (%)" if figure.kind == "kaplan_meier" else "Cumulative incidence (%)")
    axes.set_xlabel(figure.unit)
    _title(axes, figure)
    if len(curves) > 1:
        axes.legend(frameon=False, loc="best", fontsize=8)


def _title(axes: Axes, figure: Figure) -> None:
    """Write the title, and below it whom the figure shows."""
    axes.set_title(figure.title, loc="left", fontsize=10, fontweight="bold", pad=20 if figure.population_label else 8)
    axes.annotate(
        figure.population_label, (0, 1), xytext=(0, 7), xycoords="axes fraction", textcoords="offset points", color=GREY,
        fontsize=8,
    )  # fmt: skip


def _draw_at_risk(axes: Axes, figure: Figure, curves: Sequence[NamedCurve]) -> None:
    axes.set_ylim(len(curves) - 0.4, -1.2)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0, labelbottom=False, pad=14)
    axes.set_yticks(range(len(curves)), [_short(item) for item in curves] if len(curves) > 1 else [""])
    axes.text(
        0, -0.75, "Number at risk", transform=axes.get_yaxis_transform(), ha="left", va="center", color=GREY, fontsize=8
    )
    for place, label in enumerate(axes.get_yticklabels()):
        label.set_color(COLOURS[place % len(COLOURS)])
    until = _until(figure, curves)
    for tick in [float(tick) for tick in axes.get_xticks() if 0 <= tick <= until + 1e-9]:
        for place, item in enumerate(curves):
            text = str(item.curve.at_risk(tick * figure.per))
            axes.text(tick, place, text, ha="center", va="center", color=COLOURS[place % len(COLOURS)], fontsize=8)


def _short(item: NamedCurve) -> str:
    return item.group or item.line.parameter


def _curve_ard(figure: Figure, curves: Sequence[NamedCurve]) -> pd.DataFrame:
    """Return the numbers of the curves: estimate, limits and number at risk at each of their times, in percent."""
    records = []
    for order, item in enumerate(curves, start=1):
        about = (figure.figure, order, item.name, TIME_DATASET, item.line.parameter, "AVAL")
        place = (figure.population or "", figure.group or "", item.group or OVERALL, figure.kind)
        for time in item.curve.times.tolist():
            found = item.curve.at(time)
            names = ("at_risk", "percent", "lower", "upper")
            records += [(*about, number_text(time, None), "", *place, name, found[name]) for name in names]
    return pd.DataFrame.from_records(records, columns=list(COLUMNS))


@dataclass(frozen=True)
class Lane:
    """One subject of a swimmer plot: how long, and where its marks are, in the units of the axis."""

    subject: str
    length: float
    marks: tuple[tuple[str, float], ...]


def swimmer_lanes(figure: Figure, data: AnalysisData) -> list[Lane]:
    """Return the lanes, longest first, then by subject; a subject without start or end has none."""
    subjects = data.subjects(figure.population)
    start = subjects[figure.start].to_numpy(dtype=np.float64)
    length = (subjects[figure.end].to_numpy(dtype=np.float64) - start) / figure.per
    names = subjects["USUBJID"].astype(str).tolist()
    begins = dict(zip(names, start.tolist(), strict=True))
    marks = {name: tuple(_marks(figure, data, name, begins[name])) for name in names}
    lanes = [
        Lane(name, days, marks[name]) for name, days in zip(names, length.tolist(), strict=True) if not np.isnan(days)
    ]
    return sorted(lanes, key=lambda lane: (-lane.length, lane.subject))


def _marks(figure: Figure, data: AnalysisData, subject: str, begin: float) -> Iterator[tuple[str, float]]:
    for marker in figure.markers:
        if marker.parameter is not None:
            records = data.select(TIME_DATASET, f'PARAMCD == "{marker.parameter}" and CNSR == 0')
            days = records["ADT"][records["USUBJID"] == subject]
        else:
            adsl = data.frame("ADSL")
            days = adsl[marker.date][adsl["USUBJID"] == subject]
        for day in days.dropna().tolist():
            yield marker.label, (float(day) - begin) / figure.per


def _draw_lanes(axes: Axes, figure: Figure, lanes: Sequence[Lane]) -> None:
    places = np.arange(len(lanes))
    axes.barh(places, [lane.length for lane in lanes], height=0.55, color="#C9DCEB", edgecolor="none")
    labels = list(dict.fromkeys(marker.label for marker in figure.markers))
    for number, label in enumerate(labels):
        points = [(x, place) for place, lane in enumerate(lanes) for name, x in lane.marks if name == label]
        if points:
            axes.plot(
                *zip(*points, strict=True), MARKS[number % len(MARKS)], color=COLOURS[number % len(COLOURS)], label=label,
                markersize=6, linestyle="none",
            )  # fmt: skip
    axes.set_yticks(places, [lane.subject for lane in lanes], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, figure.until or 1.03 * max((lane.length for lane in lanes), default=1.0))
    if figure.step is not None:
        axes.set_xticks(np.arange(0, axes.get_xlim()[1] + 1e-9, figure.step))
    axes.set_xlabel(figure.unit)
    _title(axes, figure)
    if labels:
        axes.legend(frameon=False, loc="lower right", fontsize=8)


def _lane_ard(figure: Figure, lanes: Sequence[Lane]) -> pd.DataFrame:
    records = []
    for order, lane in enumerate(lanes, start=1):
        about = (figure.figure, order, lane.subject, "ADSL", "")
        place = (figure.population or "", "", OVERALL, figure.kind)
        records.append((*about, figure.end or "", "", "", *place, "length", lane.length))
        records += [(*about, "", label, "", *place, "mark", time) for label, time in lane.marks]
    return pd.DataFrame.from_records(records, columns=list(COLUMNS))
