#include "reports/html_parts.h"

namespace weir::report {

// Makes the page interactive; without it everything but the table of all rows can still be read. It has no
// '<' or '&', so that the page is well-formed XML, and writes strings only as text nodes, so that none can
// become markup.
const char* const kHtmlScript = R"js(
"use strict";
(() => {
  const byId = id => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const isText = new Set(data.text);
  const records = data.rows.map((row, index) => {
    const record = {index};
    data.columns.forEach((name, i) => { record[name] = isText.has(name) ? data.strings[row[i]] : row[i]; });
    return record;
  });

  const unknown = "\u2013";
  const decimals = (value, digits) =>
    value.toLocaleString("en-US", {minimumFractionDigits: digits, maximumFractionDigits: digits});
  const known = (value, show) => value === null ? unknown : show(value);
  const megabytes = value => known(value, v => decimals(v / 1e6, 1));
  const microseconds = value => known(value, v => decimals(v / 1e3, 2));
  const percent = value => known(value, v => decimals(v * 100, 1) + "%");
  const plain = value => value === "" ? unknown : value;

  function element(tag, text, className) {
    const result = document.createElement(tag);
    if (text !== undefined) result.textContent = text;
    if (className) result.className = className;
    return result;
  }

  /* Text with places to break after commas. */
  function breakable(tag, text) {
    const result = element(tag);
    text.split(/(?=,)/).forEach((part, i) => {
      if (i) result.append(",", element("wbr"), part.slice(1)); else result.append(part);
    });
    return result;
  }

  const naturally = new Intl.Collator("en", {numeric: true});
  function compare(a, b) {
    if (a === null || b === null) return (a === null) - (b === null);
    return typeof a === "number" ? a - b : naturally.compare(a, b);
  }

  function markSorted(header, descending) {
    header.closest("thead").querySelectorAll("[aria-sort]").forEach(other => other.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", descending ? "descending" : "ascending");
  }
  const nextDescending = header => header.hasAttribute("aria-sort")
    ? header.getAttribute("aria-sort") === "ascending" : header.classList.contains("n");

  /* Tables that are in the page: sort by a column, filter by words. Unknown values stay last. */
  document.querySelectorAll("table.sortable").forEach(table => {
    const keyed = (row, column) => {
      const cell = row.cells[column];
      if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
      return cell.classList.contains("n") ? null : cell.textContent;
    };
    table.tHead.rows[table.tHead.rows.length - 1].querySelectorAll("th").forEach(header => {
      header.addEventListener("click", () => {
        const descending = nextDescending(header), column = header.cellIndex, body = table.tBodies[0];
        const rows = [...body.rows].map(row => [keyed(row, column), row]);
        rows.sort(([a], [b]) => descending ? (a === null || b === null ? compare(a, b) : compare(b, a)) : compare(a, b));
        body.append(...rows.map(([, row]) => row));
        markSorted(header, descending);
      });
    });
  });
  const words = input => input.value.toLowerCase().split(/\s+/).filter(word => word);
  document.querySelectorAll("[data-filter]").forEach(input => {
    input.closest(".filter").hidden = false;
    input.addEventListener("input", () => {
      const wanted = words(input);
      for (const row of byId(input.dataset.filter).tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !wanted.every(word => text.includes(word));
      }
    });
  });

  /* The legend hides and shows kernels in all charts of accuracy. */
  document.querySelectorAll("[data-kernel]").forEach(key => {
    key.addEventListener("click", () => {
      const show = key.getAttribute("aria-pressed") === "false";
      key.setAttribute("aria-pressed", String(show));
      document.querySelectorAll("#accuracy .kernel-" + key.dataset.kernel).forEach(mark => {
        mark.style.display = show ? "" : "none";
      });
    });
  });

  /* One panel of tile sizes at a time. */
  const panels = [...document.querySelectorAll(".panel")];
  if (panels.length) {
    const kernel = byId("choose-kernel"), problem = byId("choose-problem");
    const choose = () => panels.forEach((panel, i) => { panel.hidden = String(i) !== problem.value; });
    const listProblems = () => {
      problem.replaceChildren(...panels.flatMap((panel, i) =>
        panel.dataset.kernelName === kernel.value ? [new Option(panel.dataset.label, i)] : []));
      choose();
    };
    kernel.replaceChildren(...[...new Set(panels.map(panel => panel.dataset.kernelName))].map(name => new Option(name, name)));
    kernel.addEventListener("change", listProblems);
    problem.addEventListener("change", choose);
    listProblems();
    document.querySelector(".choose").hidden = false;
    document.querySelectorAll(".panel h3").forEach(title => title.classList.add("hidden-text"));
  }

  /* What a mark or cell stands for. */
  const tooltip = byId("tooltip");
  function describe(record) {
    const line = (name, ...values) => {
      const row = element("tr");
      row.append(...[name, ...values].map(value => element("td", value)));
      return row;
    };
    const title = element("p");
    title.append(element("b", record.kernel), " ", breakable("code", record.problem));
    const config = element("p");
    config.append(breakable("code", record.config), record.isDefault ? " (default)" : "");
    const table = element("table");
    table.append(
      line("", "predicted", "measured", "error"),
      line("DRAM reads, MB", megabytes(record.readsPredicted), megabytes(record.readsMeasured), percent(record.readsError)),
      line("DRAM writes, MB", megabytes(record.writesPredicted), megabytes(record.writesMeasured), percent(record.writesError)),
      line("time, µs", microseconds(record.timePredicted), microseconds(record.timeMeasured), ""));
    const model = element("p", [record.regime, record.boundBy ? "bound by " + record.boundBy.replaceAll("_", " ") : "", record.device, record.calibration]
      .filter(part => part).join(" · "), "faint");
    tooltip.replaceChildren(title, config, model, table);
  }
  document.addEventListener("pointermove", event => {
    const target = event.target.closest ? event.target.closest("[data-row]") : null;
    tooltip.hidden = !target;
    if (!target) return;
    if (tooltip.dataset.row !== target.dataset.row) {
      tooltip.dataset.row = target.dataset.row;
      describe(records[target.dataset.row]);
    }
    const space = 14, box = tooltip.getBoundingClientRect();
    const left = event.clientX + space + box.width > innerWidth ? event.clientX - space - box.width : event.clientX + space;
    const top = event.clientY + space + box.height > innerHeight ? event.clientY - space - box.height : event.clientY + space;
    tooltip.style.left = Math.max(0, left) + "px";
    tooltip.style.top = Math.max(0, top) + "px";
  });
  document.addEventListener("keydown", event => { if (event.key === "Escape") tooltip.hidden = true; });

  /* All rows, one page at a time. */
  const details = byId("records-details");
  if (!details) return;
  const columns = [
    ["Kernel", "kernel"], ["Problem", "problem", "code"], ["Configuration", "config", "code"], ["Outcome", "outcome"],
    ["Reads MB pred.", "readsPredicted", megabytes], ["meas.", "readsMeasured", megabytes], ["error", "readsError", percent],
    ["Writes MB pred.", "writesPredicted", megabytes], ["meas.", "writesMeasured", megabytes], ["error", "writesError", percent],
    ["Time µs pred.", "timePredicted", microseconds], ["meas.", "timeMeasured", microseconds],
    ["Regime", "regime"], ["Bound by", "boundBy"], ["Calibration", "calibration"], ["Tier", "tier"], ["Why not A", "tierReason"], ["Device", "device"],
    ["Driver", "driver"], ["Compiler", "compiler"], ["Policy", "policy"], ["Date", "date"], ["Reason", "reason"]];
  const pageSize = 50, table = byId("records"), filter = byId("records-filter"), outcome = byId("records-outcome");
  let ordered = records, shown = records, page = 0;
  function showPage() {
    const last = Math.max(0, Math.ceil(shown.length / pageSize) - 1);
    page = Math.min(Math.max(page, 0), last);
    const rows = shown.slice(page * pageSize, (page + 1) * pageSize);
    table.tBodies[0].replaceChildren(...rows.map(record => {
      const row = element("tr");
      row.append(...columns.map(([, name, format]) => {
        if (typeof format === "function") return element("td", format(record[name]), "n");
        if (format !== "code") return element("td", plain(record[name]), name.toLowerCase().endsWith("reason") ? "wrap" : "");
        const cell = element("td", undefined, "wrap");
        cell.append(breakable("code", record[name]));
        return cell;
      }));
      return row;
    }));
    byId("records-position").textContent = rows.length
      ? `${page * pageSize + 1}\u2013${page * pageSize + rows.length} of ${shown.length}` : "no rows";
    byId("records-previous").disabled = page === 0;
    byId("records-next").disabled = page === last;
  }
  const search = records.map(record => data.text.map(name => record[name]).join(" ").toLowerCase());
  function applyFilter() {
    const wanted = words(filter);
    shown = ordered.filter(record => (!outcome.value || record.outcome === outcome.value) ? wanted.every(word => search[record.index].includes(word)) : false);
    page = 0;
    showPage();
  }
  const head = element("tr");
  for (const [title, name, format] of columns) {
    const header = element("th", undefined, typeof format === "function" ? "n" : ""), button = element("button", title);
    button.type = "button";
    header.scope = "col";
    header.append(button);
    header.addEventListener("click", () => {
      const descending = nextDescending(header);
      const sign = descending ? -1 : 1;
      ordered = [...records].sort((a, b) => a[name] === null || b[name] === null ? compare(a[name], b[name]) : sign * compare(a[name], b[name]));
      markSorted(header, descending);
      applyFilter();
    });
    head.append(header);
  }
  table.tHead.append(head);
  filter.addEventListener("input", applyFilter);
  outcome.addEventListener("change", applyFilter);
  byId("records-previous").addEventListener("click", () => { --page; showPage(); });
  byId("records-next").addEventListener("click", () => { ++page; showPage(); });
  details.addEventListener("toggle", () => { if (details.open) showPage(); }, {once: true});
})();
)js";

}  // namespace weir::report
