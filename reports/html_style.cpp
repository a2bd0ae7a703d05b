#include "reports/html_parts.h"

namespace weir::report {

// Colors are declared once per mode; everything else refers to them. Kernel colors keep apart under the
// common kinds of color blindness and have a contrast of at least 3 to 1 with the page.
const char* const kHtmlStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #ffffff; --raised: #f5f6f8; --ink: #1b1f24; --muted: #5b6470; --line: #dfe3e8; --grid: #e9ecf0;
  --accent: #1f5fa8; --band: #1f5fa824; --predicted: #b8560b; --bad: #b3261e;
  --k0: #1f6fb8; --k1: #c4610a; --k2: #23865a; --k3: #8250c4; --k4: #c0376b; --k5: #0e8493; --k6: #85682b; --k7: #5f6b7a;
  --h0: #eef4fb; --h1: #d9e7f5; --h2: #c0d8ee; --h3: #a2c5e5; --h4: #7fafd9; --h5: #5a95c8; --h6: #3c7ab2; --h7: #245f97; --h8: #123f6d;
  --on-light: #1b1f24; --on-dark: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #111519; --raised: #1a1f25; --ink: #e4e8ec; --muted: #98a3af; --line: #2d353e; --grid: #232a32;
    --accent: #7db4ee; --band: #7db4ee2e; --predicted: #f2a25c; --bad: #ff8a80;
    --k0: #6aaef2; --k1: #f0994a; --k2: #5cc492; --k3: #b895f0; --k4: #f07fa6; --k5: #4fc3d1; --k6: #cdaa62; --k7: #a3afbd;
    --h0: #17222d; --h1: #1b2f42; --h2: #1f3d5a; --h3: #244d74; --h4: #2b608f; --h5: #5b9bd3; --h6: #80b4e2; --h7: #a8cdef; --h8: #d2e6f9;
    --on-light: #e4e8ec; --on-dark: #0c1116;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 1280px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif;
}
h1 { font-size: 1.75rem; line-height: 1.2; letter-spacing: -0.015em; margin: 0 0 .5rem; font-weight: 650; }
h2 { font-size: 1.25rem; letter-spacing: -0.01em; margin: 3rem 0 .9rem; font-weight: 650; }
h3 { font-size: 1rem; margin: 1.6rem 0 .5rem; font-weight: 600; }
h3 code { font-weight: 400; color: var(--muted); overflow-wrap: anywhere; }
a { color: var(--accent); }
code { font: 12.5px/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.lead { max-width: 68ch; margin: 0 0 1.4rem; color: var(--muted); }
.note, .faint { color: var(--muted); }
.note { max-width: 90ch; font-size: 13.5px; margin: .5rem 0 .8rem; }
.hidden-text { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.facts { display: flex; flex-wrap: wrap; gap: .6rem 2.6rem; margin: 0; }
.facts div { display: flex; flex-direction: column-reverse; }
.facts dt { color: var(--muted); font-size: 13px; }
.facts dd { margin: 0; font-size: 1.6rem; line-height: 1.2; font-weight: 600; font-variant-numeric: tabular-nums; }
.origin { display: flex; flex-wrap: wrap; gap: .2rem 1.8rem; margin: 1.1rem 0 0; font-size: 13.5px; }
.origin div { display: flex; gap: .45rem; }
.origin dt { color: var(--muted); }
.origin dd { margin: 0; }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; margin-top: 1.4rem; padding: .6rem 0; border-block: 1px solid var(--line); font-size: 14px; }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13.5px; font-variant-numeric: tabular-nums; min-width: 100%; }
th, td { padding: .36rem .65rem; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--grid); }
th:first-child, td:first-child { padding-left: 0; }
thead th, thead td { border-bottom: 1px solid var(--line); color: var(--muted); font-weight: 500; font-size: 12.5px; vertical-align: bottom; }
thead tr:first-child:not(:last-child) > * { border-bottom: 0; }
th.group {
  color: var(--ink); font-weight: 600; text-align: center; white-space: nowrap; padding-left: 1.8rem;
  background: linear-gradient(var(--line), var(--line)) no-repeat right bottom / calc(100% - 1.4rem) 1px;
}
thead tr:first-child > th.group { padding-bottom: .25rem; }
tbody th { font-weight: 600; }
tbody th code { font-weight: 400; color: var(--muted); }
#details { margin-top: 1.2rem; }
tbody tr:hover > * { background: var(--raised); }
.n { text-align: right; }
.n, .together { white-space: nowrap; }
td code { overflow-wrap: break-word; }
td.failed { color: var(--bad); }
th button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; text-align: inherit; }
th button:hover { color: var(--ink); }
th[aria-sort] button { color: var(--ink); }
th[aria-sort=ascending] button::after { content: " ↑"; }
th[aria-sort=descending] button::after { content: " ↓"; }
#picks td:has(> code) { min-width: 9rem; }
#picks th, #picks td { padding-inline: .45rem; }
#picks th:first-child { padding-left: 0; }
#picks tbody th { min-width: 14rem; }
#provenance-groups td { min-width: 5rem; }
#provenance-groups .faint { font-weight: 400; }
#picks .n .faint { font-size: 12px; }
#records td { white-space: nowrap; }
#records td.wrap { white-space: normal; min-width: 16rem; }

details { margin: .9rem 0; font-size: 13.5px; }
summary { cursor: pointer; color: var(--accent); }
details ul { max-width: 92ch; padding-left: 1.2rem; }
details li { margin: .25rem 0; }
input, select, .pager button {
  font: inherit; font-size: 13.5px; color: var(--ink); background: var(--page); border: 1px solid var(--line); border-radius: 5px; padding: .28rem .5rem;
}
.choose select { max-width: min(100%, 46rem); }
.choose, .filter { font-size: 13.5px; color: var(--muted); }
.choose label, .filter label { margin-right: 1.2rem; }
.pager { display: flex; gap: .8rem; align-items: center; color: var(--muted); font-variant-numeric: tabular-nums; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }

figure { margin: 0; min-width: 0; }
figcaption { font-size: 13.5px; font-weight: 600; margin-bottom: .3rem; }
svg { display: block; width: 100%; height: auto; font-size: 12px; font-variant-numeric: tabular-nums; }
svg text { fill: var(--muted); }
svg .label { fill: var(--ink); font-size: 12.5px; }
svg .strong { fill: var(--ink); font-weight: 600; font-size: 12.5px; }
svg .faint { font-size: 11.5px; }
.axis { stroke: var(--muted); stroke-width: 1; }
.grid { stroke: var(--grid); stroke-width: 1; }
.reference { stroke: var(--muted); stroke-width: 1; stroke-dasharray: 3 3; }
.equality { stroke: var(--ink); stroke-width: 1; opacity: .7; }
.band { fill: var(--band); }
.marks > * { fill-opacity: .55; stroke-width: .6; }
.step { fill: none; stroke-width: 2; stroke-linejoin: round; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 1.5rem 2rem; }
.heat-row { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 1.2rem 1.5rem; margin: .8rem 0 1.6rem; }
.heat-row svg { max-width: 400px; }
.k0 { --k: var(--k0); } .k1 { --k: var(--k1); } .k2 { --k: var(--k2); } .k3 { --k: var(--k3); }
.k4 { --k: var(--k4); } .k5 { --k: var(--k5); } .k6 { --k: var(--k6); } .k7 { --k: var(--k7); }
.marks > * { fill: var(--k); stroke: var(--k); }
.step { stroke: var(--k); }
.dashed { stroke-dasharray: 5 4; stroke-width: 1.4; }
.dot { stroke-width: 6; stroke-linecap: round; }
.faint-line { stroke: var(--muted); }
.heat0 { fill: var(--h0); } .heat1 { fill: var(--h1); } .heat2 { fill: var(--h2); } .heat3 { fill: var(--h3); } .heat4 { fill: var(--h4); }
.heat5 { fill: var(--h5); } .heat6 { fill: var(--h6); } .heat7 { fill: var(--h7); } .heat8 { fill: var(--h8); }
.heat-unknown { fill: var(--raised); }
svg .on-light, svg .on-dark, .fastest { pointer-events: none; }
svg .on-light { fill: var(--on-light); }
svg .on-dark { fill: var(--on-dark); }
.fastest { fill: none; stroke: var(--predicted); stroke-width: 2.5; }
circle.measured { fill: var(--accent); fill-opacity: .6; }
circle.predicted { fill: none; stroke: var(--predicted); stroke-width: 1; stroke-opacity: .8; pointer-events: all; }
.median { stroke: var(--ink); stroke-width: 1.6; pointer-events: none; }
.measured-key { color: var(--accent); }
.predicted-key { color: var(--predicted); }
[data-row]:hover { stroke: var(--ink); stroke-width: 1.6; stroke-opacity: 1; }

.legend { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .4rem 2rem; margin-bottom: .8rem; font-size: 13.5px; }
.legend-part { display: flex; flex-wrap: wrap; gap: .3rem .9rem; align-items: baseline; }
.key { font: inherit; color: var(--ink); background: none; border: 0; padding: .1rem .2rem; cursor: pointer; }
.key[aria-pressed=false] { opacity: .4; text-decoration: line-through; }
.swatch { display: inline-block; width: .75em; height: .75em; border-radius: 50%; background: var(--k); margin-right: .4em; }
.shapes { color: var(--muted); }
#tooltip {
  position: fixed; z-index: 2; max-width: 27rem; padding: .55rem .75rem; background: var(--page); color: var(--ink); pointer-events: none;
  border: 1px solid var(--line); border-radius: 6px; box-shadow: 0 4px 18px #0003; font-size: 12.5px; font-variant-numeric: tabular-nums;
}
#tooltip p { margin: 0 0 .3rem; overflow-wrap: anywhere; }
#tooltip td { padding: .05rem .9rem .05rem 0; border: 0; text-align: right; }
#tooltip td:first-child { text-align: left; color: var(--muted); }

@media print {
  :root {
    --page: #fff; --raised: #fff; --ink: #000; --muted: #444; --line: #bbb; --grid: #ddd;
    --accent: #1f5fa8; --band: #1f5fa824; --predicted: #b8560b; --bad: #b3261e; --on-light: #000; --on-dark: #fff;
    --k0: #1f6fb8; --k1: #c4610a; --k2: #23865a; --k3: #8250c4; --k4: #c0376b; --k5: #0e8493; --k6: #85682b; --k7: #5f6b7a;
    --h0: #eef4fb; --h1: #d9e7f5; --h2: #c0d8ee; --h3: #a2c5e5; --h4: #7fafd9; --h5: #5a95c8; --h6: #3c7ab2; --h7: #245f97; --h8: #123f6d;
  }
  body { max-width: none; padding: 0; font-size: 10pt; print-color-adjust: exact; }
  nav, .choose, .filter, .pager, #tooltip { display: none !important; }
  h2 { margin-top: 1.5rem; break-after: avoid; }
  figure, tr { break-inside: avoid; }
  .scroll { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: .15rem .35rem; }
  code { font-size: 7pt; }
}
)css";

}  // namespace weir::report
