"""What the widgets of a panel lack in the page, and a line of script adds: names, spoken values, keys, layout.

It works in JupyterLab and in Notebook 7. Where a page forbids such scripts, the panel works without these things.
"""

import html
import json

import numpy as np

from rnn_lib.plots.style import OUTPUT

NOTHING = "data:image/svg+xml," + "%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"  # it loads, and so starts the script

# Nothing below a panel moves while it answers: the summary keeps room for three lines, on a narrow page for five.
STYLE = """
.rnn-panel { container-type: inline-size; width: 100%; }
.rnn-summary { line-height: 1.4; height: 4.2em; overflow: auto; }
@container (max-width: 640px) { .rnn-summary { height: 7em; } }
"""

SCRIPT = """
const panel = image.closest('.rnn-panel'), choices = JSON.parse(image.dataset.choices);
if (panel.dataset.helped) return;
panel.dataset.helped = true;
const rows = () => panel.querySelectorAll('.widget-slider');
const nameOf = row => row.querySelector('.widget-label').textContent;
const put = (node, name, value) => { if (node && node.getAttribute(name) !== value) node.setAttribute(name, value); };
const say = text => { panel.querySelector('.rnn-summary').textContent = text; };

// Names for who hears the page. A slider over a list counts places: its value is what the number beside it says.
const help = () => {
  for (const row of rows()) {
    const handle = row.querySelector('.noUi-handle'), readout = row.querySelector('.widget-readout');
    put(handle, 'aria-label', nameOf(row));
    if (readout?.textContent) put(handle, 'aria-valuetext', readout.textContent);
    put(readout, 'role', 'textbox');
    put(readout, 'aria-label', nameOf(row) + ', as a number');
  }
  const summary = panel.querySelector('.rnn-summary');
  for (const [name, value] of [['role', 'status'], ['aria-live', 'polite'], ['aria-atomic', 'true']])
    put(summary?.parentElement, name, value);
  [...panel.querySelectorAll('.widget-image')].forEach((piece, i) =>
    put(piece, 'alt', i ? '' : summary?.dataset.picture ?? ''));
};
new MutationObserver(help).observe(panel, {subtree: true, childList: true, characterData: true,
                                           attributeFilter: ['aria-valuetext', 'data-picture']});
help();

// Keys that move a control are not the notebook's, which would hear them first. One listener serves all panels.
const moving = new Set(['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'PageUp', 'PageDown', ' ']);
if (!window.rnnPanelKeys)
  window.addEventListener('keydown', window.rnnPanelKeys = event => {
    if (event.target.closest?.('.rnn-panel'))
      event.target.toggleAttribute('data-lm-suppress-shortcuts',
                                   moving.has(event.key) || event.target.isContentEditable);
  }, true);
const focus = event => event.target.closest?.('.slider')?.querySelector('.noUi-handle').focus();
panel.addEventListener('pointerdown', event => setTimeout(focus, 0, event));
panel.addEventListener('pointerup', event => setTimeout(focus, 0, event));

// A typed number is taken, or refused in words. Sliders over a list do not read what is typed: then the list is asked.
const read = event => {
  const readout = event.target.closest?.('.widget-readout');
  if (!readout || (event.type === 'keydown' && event.key !== 'Enter')) return;
  const row = readout.closest('.widget-slider'), list = choices[nameOf(row)], typed = readout.textContent.trim();
  const handle = row.querySelector('.noUi-handle'), bar = row.querySelector('.noUi-target').noUiSlider;
  const before = bar.get();
  if (list) {
    event.preventDefault();
    const place = list.findIndex(value => Number(value) === Number(typed));
    if (typed && place >= 0 && place !== before) {  // one step from its neighbour: that is what the widget hears
      bar.set(place ? place - 1 : 1);
      handle.dispatchEvent(new KeyboardEvent('keydown', {key: place ? 'ArrowRight' : 'ArrowLeft', bubbles: true}));
    } else readout.textContent = list[before];
  }
  setTimeout(() => {
    if (typed && Number(typed) === Number(readout.textContent)) return;
    say(`${nameOf(row)}: ${typed || 'nothing'} cannot be taken, it stays within its limits at ${readout.textContent}.`
        + (list ? ` It can be ${list.join(', ')}.` : ''));
  }, 0);
};
panel.addEventListener('keydown', read, true);
panel.addEventListener('focusout', read, true);
"""


def helper(choices):
    """Return the HTML that gives a panel what it lacks; `choices` is {name of a slider over a list: its texts}."""
    return (f'<style>{STYLE}</style><img alt="" src="{NOTHING}" data-choices="{html.escape(json.dumps(choices))}" '
            f'onload="const image = this;{html.escape(SCRIPT)}">')


def falling(loss):
    """Return a small curve of a loss so far, on a logarithmic scale, as SVG."""
    heights = np.log(np.maximum(loss[:: len(loss) // 50 + 1], 1e-6)) if len(loss) else np.zeros(1)
    low, high = heights.min(), heights.max()
    points = " ".join(f"{x:.0f},{2 + 24 * (high - y) / max(high - low, 1e-6):.0f}"
                      for x, y in zip(np.linspace(2, 98, len(heights)), heights, strict=True))
    return ('<svg width="100" height="28" style="vertical-align:middle" aria-hidden="true">'
            f'<polyline points="{points}" fill="none" stroke="{OUTPUT}" stroke-width="2"/></svg>')
