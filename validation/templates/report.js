"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const T = data.texts, F = data.findings;
  const SEV = ["error", "warning", "info"], SHOWN = ["error", "warning", "note"];
  const RULE = 1, DATASET = 2, VARIABLE = 3, MESSAGE = 4, FIX = 5, RECORDS = 6, EXAMPLES = 7, ID = 8, BELOW = 9;
  const SLICE = 100;
  const $ = (id) => document.getElementById(id);
  const number = (n) => n.toLocaleString("en-US");
  const list = $("list"), more = $("more"), count = $("count");
  const state = { view: "causes", severities: new Set([0, 1, 2]), subject: null, sort: null };
  let rows = [], drawn = 0, haystack = null;

  function el(tag, properties, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (name in node) node[name] = value; else node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  function fill(select, index) {
    const counts = new Map();
    for (const f of F) counts.set(f[index], (counts.get(f[index]) || 0) + 1);
    const names = [...counts].filter(([at]) => T[at] !== "").sort((a, b) => (T[a[0]] < T[b[0]] ? -1 : 1));
    for (const [at, n] of names) select.append(el("option", { value: T[at], textContent: `${T[at]} (${number(n)})` }));
  }

  function searchable(i) {
    if (!haystack) haystack = new Array(F.length);
    if (haystack[i] === undefined) {
      const f = F[i];
      const examples = f[EXAMPLES].map((e) => e[1].concat(e[2]).map((pair) => pair.join(" ")).join(" ") + " " + e[3]);
      const rule = data.rules[T[f[RULE]]];
      const below = f[BELOW].map((b) => b.slice(1, 5).map((at) => T[at]).join(" "));
      const words = [T[f[RULE]], T[f[DATASET]], T[f[VARIABLE]], T[f[MESSAGE]], rule ? rule.citation : "", ...examples, ...below];
      haystack[i] = words.join(" ").toLowerCase();
    }
    return haystack[i];
  }

  function chosen() {
    const dataset = $("f-dataset").value, rule = $("f-rule").value, fix = $("f-fix").value;
    const words = $("f-search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const only = state.subject ? new Set(state.subject[5]) : null;
    const kept = [];
    for (let i = 0; i < F.length; i++) {
      const f = F[i];
      if (!state.severities.has(f[0]) || (only && !only.has(i))) continue;
      if (dataset && T[f[DATASET]] !== dataset) continue;
      if (rule && T[f[RULE]] !== rule) continue;
      if (fix && T[f[FIX]] !== fix) continue;
      if (words.length && !words.every((word) => searchable(i).includes(word))) continue;
      kept.push(i);
    }
    return kept;
  }

  function example(e, variables, numbered) {
    const [record, keys, values, where] = e;
    const at = new Map(keys.concat(values));
    return el("tr", {}, numbered ? el("td", { className: "n", textContent: record === null ? "" : number(record) }) : null,
      ...variables.map((name) => el("td", { textContent: at.has(name) ? at.get(name) : "" })),
      el("td", { className: "file", textContent: where }));
  }

  function detail(i) {
    const f = F[i], rule = data.rules[T[f[RULE]]];
    const box = el("div", { className: "detail" });
    if (rule) {
      box.append(el("p", {}, el("b", { textContent: rule.title + ". " }), rule.description));
    }
    const meta = [T[f[RULE]]];
    if (rule && rule.citation) meta.push(rule.citation);
    if (T[f[FIX]]) meta.push("mend in: " + T[f[FIX]]);
    meta.push("id: " + f[ID]);
    box.append(el("p", { className: "meta", textContent: meta.join(" · ") }));
    if (f[EXAMPLES].length) {
      const names = [...new Set(f[EXAMPLES].flatMap((e) => e[1].concat(e[2]).map((pair) => pair[0])))];
      const numbered = f[EXAMPLES].some((e) => e[0] !== null);
      const titles = [...(numbered ? ["Record"] : []), ...names, "Collected in"];
      const head = titles.map((name, at) => el("th", { textContent: name, className: numbered && at === 0 ? "n" : "" }));
      const body = f[EXAMPLES].map((e) => example(e, names, numbered));
      box.append(el("div", { className: "scroll", tabIndex: 0 },
        el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body))));
      const rest = f[RECORDS] - f[EXAMPLES].length;
      if (rest > 0) box.append(el("p", { className: "meta", textContent: `and ${number(rest)} more records` }));
    }
    if (f[BELOW].length) {
      box.append(el("p", { className: "meta", textContent: "Follows from this, and goes when it is mended:" }));
      box.append(el("ul", { className: "below" }, ...f[BELOW].map((b) => el("li", {},
        el("span", { className: "place", textContent: [T[b[2]], T[b[3]]].filter(Boolean).join(".") || "package" }),
        ` ${T[b[4]]} `, el("span", { className: "meta", textContent: `${T[b[1]]} · ${number(b[5])} record${b[5] === 1 ? "" : "s"}` })))));
    }
    return box;
  }

  function where(place) {
    const [dataset, ...rest] = place.split(".");
    return el("span", { className: "place" }, dataset, ...(rest.length ? [".", el("wbr", {}), rest.join(".")] : []));
  }

  function cause(i) {
    const f = F[i], dataset = T[f[DATASET]], variable = T[f[VARIABLE]];
    const place = [dataset, variable].filter(Boolean).join(".") || "package";
    const records = f[EXAMPLES].length || f[RECORDS] > 1 ? `${number(f[RECORDS])} record${f[RECORDS] === 1 ? "" : "s"}` : "";
    const size = [records, f[BELOW].length ? `${f[BELOW].length} more with it` : ""].filter(Boolean).join(" · ");
    const button = el("button", { type: "button", "aria-expanded": "false" },
      el("span", { className: "sev", textContent: SHOWN[f[0]] }), where(place),
      el("span", { className: "text", textContent: T[f[MESSAGE]] }), el("span", { className: "size", textContent: size }));
    const box = el("div", { className: "cause " + SEV[f[0]] }, button);
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!open));
      if (open) box.lastChild.remove(); else box.append(detail(i));
    });
    return box;
  }

  function group(index) {
    const found = new Map();
    for (const i of chosen()) {
      const f = F[i], key = T[f[index]];
      if (!found.has(key)) found.set(key, [key, 0, 0, 0, 0]);
      const row = found.get(key);
      row[1 + f[0]] += 1;
      row[4] += f[RECORDS];
    }
    return [...found.values()].sort((a, b) => b[1] - a[1] || b[2] - a[2] || b[3] - a[3] || (a[0] < b[0] ? -1 : 1));
  }

  function show(apply) {
    return () => { apply(); state.view = "causes"; tabs(); draw(); list.focus(); };
  }

  function groupRow(row) {
    const apply = {
      rules: () => { $("f-rule").value = row[0]; },
      datasets: () => { $("f-dataset").value = row[0]; },
      subjects: () => { state.subject = row; },
    }[state.view];
    const link = el("button", { type: "button", className: "linkish", textContent: row[0] || "package" });
    link.addEventListener("click", show(apply));
    const rule = state.view === "rules" ? data.rules[row[0]] : null;
    const cells = [1, 2, 3, 4].map((at) => {
      const tint = row[at] && at < 3 ? " " + SEV[at - 1] : "";
      return el("td", { className: "n" + tint, textContent: number(row[at]) });
    });
    return el("tr", {}, el("th", { scope: "row" }, link),
      state.view === "rules" ? el("td", { textContent: rule ? rule.title : "" }) : null, ...cells);
  }

  function sorter(th, at, apply) {
    const button = el("button", { type: "button", textContent: th.textContent });
    th.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = th.getAttribute("aria-sort") !== "descending" && th.classList.contains("n")
        || th.getAttribute("aria-sort") === "ascending";
      for (const other of th.parentNode.children) other.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      apply(at, down ? -1 : 1);
    });
  }

  function compare(a, b) {
    return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  }

  function groupTable() {
    const name = { rules: "Rule", datasets: "Dataset", subjects: "Subject" }[state.view];
    const heads = [[name, 0, ""], ...(state.view === "rules" ? [["What it says", null, ""]] : []),
      ["Errors", 1, "n"], ["Warnings", 2, "n"], ["Notes", 3, "n"], ["Records", 4, "n"]];
    const body = el("tbody", {});
    const head = el("tr", {}, ...heads.map(([text, , kind]) => el("th", { textContent: text, className: kind })));
    heads.forEach(([, at], place) => {
      if (at !== null) sorter(head.children[place], at, (by, way) => {
        rows.sort((a, b) => way * compare(a[by], b[by]));
        body.replaceChildren();
        drawn = 0;
        slice();
      });
    });
    list.append(el("div", { className: "scroll" }, el("table", {}, el("thead", {}, head), body)));
    return body;
  }

  let target = list;
  function slice(size = SLICE) {
    const part = rows.slice(drawn, drawn + size);
    target.append(...part.map(state.view === "causes" ? cause : groupRow));
    drawn += part.length;
    const left = rows.length - drawn;
    more.hidden = left === 0;
    more.firstElementChild.textContent = `Show ${number(Math.min(SLICE, left))} more of ${number(left)}`;
  }

  function draw() {
    list.replaceChildren();
    drawn = 0;
    if (state.view === "causes") rows = chosen();
    else if (state.view === "subjects") rows = data.subjects.slice();
    else rows = group(state.view === "rules" ? RULE : DATASET);
    count.replaceChildren(`${number(rows.length)} ${{ causes: "causes", rules: "rules", datasets: "datasets", subjects: "subjects" }[state.view]} `);
    if (state.view === "causes" && rows.length < F.length) {
      const clear = el("button", { type: "button", className: "linkish", textContent: "show all" });
      clear.addEventListener("click", reset);
      const of = state.subject ? `of subject ${state.subject[0]} · ` : `of ${number(F.length)} · `;
      count.append(of, clear);
    }
    if (!rows.length) {
      list.append(el("p", { className: "none", textContent: F.length ? "Nothing fits this filter." : "Nothing was found." }));
      more.hidden = true;
      return;
    }
    target = state.view === "causes" ? list : groupTable();
    slice();
  }

  function reset() {
    for (const id of ["f-dataset", "f-rule", "f-fix", "f-search"]) $(id).value = "";
    state.severities = new Set([0, 1, 2]);
    state.subject = null;
    for (const chip of document.querySelectorAll(".chip")) chip.setAttribute("aria-pressed", "true");
    draw();
  }

  function tabs() {
    for (const tab of document.querySelectorAll("[role=tab]")) {
      const on = tab.dataset.view === state.view;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      if (on) list.setAttribute("aria-labelledby", tab.id);
    }
  }

  fill($("f-dataset"), DATASET);
  fill($("f-rule"), RULE);
  fill($("f-fix"), FIX);
  for (const id of ["f-dataset", "f-rule", "f-fix"]) $(id).addEventListener("change", draw);
  let waiting;
  $("f-search").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(draw, 150); });
  for (const chip of document.querySelectorAll(".chip")) {
    chip.addEventListener("click", () => {
      const at = Number(chip.dataset.severity), on = !state.severities.has(at);
      if (on) state.severities.add(at); else state.severities.delete(at);
      chip.setAttribute("aria-pressed", String(on));
      draw();
    });
  }
  const all = [...document.querySelectorAll("[role=tab]")];
  all.forEach((tab, at) => {
    tab.addEventListener("click", () => { state.view = tab.dataset.view; tabs(); draw(); });
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = all[(at + step + all.length) % all.length];
      next.focus();
      next.click();
    });
  });
  more.firstElementChild.addEventListener("click", () => slice());
  for (const bar of document.querySelectorAll(".bar")) {
    bar.addEventListener("click", () => {
      reset();
      show(() => { $("f-dataset").value = [...$("f-dataset").options].some((o) => o.value === bar.dataset.dataset) ? bar.dataset.dataset : ""; })();
      $("findings").scrollIntoView();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName)) {
      event.preventDefault();
      $("f-search").focus();
    }
  });
  window.addEventListener("beforeprint", () => { if (state.view === "causes" && drawn < 1000) slice(1000 - drawn); });
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((th, at) => sorter(th, at, (by, way) => {
      const value = (row) => {
        const text = row.cells[by].textContent;
        return th.classList.contains("n") ? Number(text.replaceAll(",", "")) : text;
      };
      body.append(...[...body.rows].sort((a, b) => way * compare(value(a), value(b))));
    }));
  }
  draw();
})();
