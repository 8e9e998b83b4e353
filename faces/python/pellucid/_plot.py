"""Pictures of explanations: the engine's own, as SVG, without matplotlib."""

import base64
import html
import os

from .errors import UsageError


class Picture:
    """A picture: shows itself in notebooks, and is saved as SVG.

    Attributes
    ----------
    svg : str
        The whole file, light and dark.
    """

    def __init__(self, svg, title):
        self.svg, self._title = svg, title

    def save(self, path):
        """Writes the picture to a file whose name ends in `.svg`."""
        if os.path.splitext(os.fspath(path))[1].lower() != ".svg":
            raise UsageError(f"{os.fspath(path)}: pictures are saved as .svg here; `pellucid explain ... -o picture.png` writes PNG")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.svg)

    def _repr_html_(self):
        # As an image: inline, its style would reach out into the notebook.
        data = base64.b64encode(self.svg.encode()).decode()
        return f'<img alt="{html.escape(self._title)}" style="max-width:100%" src="data:image/svg+xml;base64,{data}">'

    def __repr__(self):
        return f"Picture({self._title!r}, {len(self.svg) // 1024} KiB of SVG)"


class Plots:
    """Pictures of one explanation. `output` names one of several outputs by its number, `max_display` how many features are drawn."""

    def __init__(self, explanation):
        self._explanation = explanation

    def bar(self, *, output=0, max_display=12, width=860):
        """Mean absolute values: which features matter most?"""
        return self._picture("bar", output, None, max_display, width)

    def beeswarm(self, *, output=0, max_display=12, width=860):
        """Every row's values, colored by what the feature was."""
        return self._picture("beeswarm", output, None, max_display, width)

    def heatmap(self, *, output=0, max_display=12, width=860):
        """Rows side by side, ordered by likeness."""
        return self._picture("heatmap", output, None, max_display, width)

    def decision(self, *, output=0, max_display=12, width=860):
        """How each row comes from the base to its answer."""
        return self._picture("decision", output, None, max_display, width)

    def scatter(self, feature=None, *, output=0, width=860):
        """The values of one feature by what it was; without a name that of the most important one."""
        return self._picture("scatter", output, feature, 12, width)

    def cohorts(self, feature=None, *, output=0, max_display=12, width=860):
        """Rows split in two by one feature, and what matters in either part."""
        return self._picture("cohorts", output, feature, max_display, width)

    def waterfall(self, row=0, *, output=0, max_display=12, width=860):
        """One row, from the base to its answer, feature by feature."""
        return self._one(row)._picture("waterfall", output, None, max_display, width)

    def force(self, row=0, *, output=0, width=860):
        """One row: what pushes up against what pushes down."""
        return self._one(row)._picture("force", output, None, 12, width)

    def _one(self, row):
        one = self._explanation
        return self if len(one) == 1 and row == 0 else Plots(one[int(row)])

    def _picture(self, kind, output, feature, top, width):
        about = self._explanation
        if len(about) == 0:
            raise UsageError("there are no rows to draw")
        svg = about._seen().picture(kind, output=output, feature=feature, top=top, width=float(width))
        return Picture(svg, f"{kind} of {about.described}")

    def __repr__(self):
        kinds = [name for name in dir(self) if not name.startswith("_")]
        return f"Plots({', '.join(kinds)})"
