# plot.py -- bars as SVG, readable on light and dark pages alike.
# SPDX-License-Identifier: MIT
from xml.sax.saxutils import escape

LABEL_WIDTH, BAR_WIDTH, VALUE_WIDTH = 190, 400, 170
ROW, BAR, TOP, MARGIN = 28, 18, 44, 12

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 14px }
.value { font-variant-numeric: tabular-nums }
.ours { fill: #0f7b6c } .limit { fill: #8c959f } .other { fill: #5b7fb5 } .spread { stroke: #1f2328; stroke-opacity: .55 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .ours { fill: #2fb8a3 } .limit { fill: #6e7681 } .other { fill: #6f97d1 }
  .spread { stroke: #e6edf3 }
}
"""


def bars(title, rows):
    """rows: (name, kind, median, least, most, label); kind is ours, limit or other. The SVG as text."""
    widest = max(most for _, _, _, _, most, _ in rows) or 1
    width = LABEL_WIDTH + BAR_WIDTH + VALUE_WIDTH
    height = TOP + ROW * len(rows) + MARGIN
    scale = BAR_WIDTH / widest
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
           f' role="img" aria-label="{escape(title)}">', f"<style>{STYLE}</style>",
           f'<text class="title" x="{MARGIN}" y="24">{escape(title)}</text>']
    for index, (name, kind, median, least, most, label) in enumerate(rows):
        top = TOP + ROW * index
        middle = top + BAR / 2
        length = max(1.5, median * scale)
        out.append(f'<text x="{LABEL_WIDTH - 10}" y="{middle + 4.5:g}" text-anchor="end">{escape(name)}</text>')
        out.append(f'<rect class="{kind}" x="{LABEL_WIDTH}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2"/>')
        if (most - least) * scale > 1:
            out.append(f'<path class="spread" d="M{LABEL_WIDTH + least * scale:.1f} {middle:g}H'
                       f'{LABEL_WIDTH + most * scale:.1f}"/>')
        end = LABEL_WIDTH + max(length, most * scale)
        out.append(f'<text class="value" x="{end + 8:.1f}" y="{middle + 4.5:g}">{escape(label)}</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"
