"use strict";
const page = JSON.parse(document.getElementById("data").textContent);
const served = document.documentElement.dataset.served === "yes";
const byId = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const rank = (series) => series.labels.join("/");
const collator = new Intl.Collator("en", { numeric: true });
page.series.sort((one, other) => collator.compare(rank(one), rank(other)) || collator.compare(one.id, other.id));

// Everything that comes from files is set as text, never as markup.
function element(name, text, attributes) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  return made;
}
function isolated(text) { return element("bdi", text); }
function counted(count, noun) { return `${number.format(count)} ${noun}${count === 1 || noun === "series" ? "" : "s"}`; }
function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  for (; bytes >= 1024 && at < units.length - 1; at += 1) bytes /= 1024;
  return `${at ? bytes.toFixed(1) : bytes} ${units[at]}`;
}

// Decisions outlive the tab, on this machine.
const kept = `fwupload-review ${page.run.profile.digest} ${page.run.made}`;
const decisions = new Map();
try {
  const known = new Map(page.series.map((series) => [series.id, series.sha256]));
  for (const [id, hash, verdict] of JSON.parse(localStorage.getItem(kept) || "[]")) {
    if (known.get(id) === hash) decisions.set(id, verdict);
  }
} catch { /* A browser without storage forgets. */ }
function keep() {
  const all = page.series.filter((one) => decisions.has(one.id)).map((one) => [one.id, one.sha256, decisions.get(one.id)]);
  try { localStorage.setItem(kept, JSON.stringify(all)); } catch { /* As above. */ }
}

let listed = [];
let current = null;
let sending = false;

const tests = {
  all: () => true,
  undecided: (one) => !decisions.has(one.id),
  approved: (one) => decisions.get(one.id) === "approved",
  rejected: (one) => decisions.get(one.id) === "rejected",
  found: (one) => one.blanked > 0 || one.uncertain > 0,
  uncertain: (one) => one.uncertain > 0,
  refused: (one) => one.refused > 0,
  unseen: (one) => one.pictures.length === 0,
};
function fits(series, words) {
  if (words.length === 0) return true;
  const text = [...series.labels, series.modality, series.id, ...series.kept.map(([, value]) => value)].join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}

function sums() {
  const list = byId("sums");
  const count = (verdict) => [...decisions.values()].filter((one) => one === verdict).length;
  const parts = [[page.series.length, "series"], [count("approved"), "approved"], [count("rejected"), "rejected"],
    [page.series.length - decisions.size, "undecided"]];
  const files = page.refusals.reduce((sum, one) => sum + one.files, 0);
  if (files) parts.push([files, files === 1 ? "file refused" : "files refused"]);
  for (const [count, reason] of page.skipped) parts.push([count, `not sent: ${reason}`]);
  list.replaceChildren(...parts.map(([count, what]) => {
    const item = element("li");
    item.append(element("b", number.format(count)), ` ${what}`);
    return item;
  }));
}

function entry(series) {
  const button = element("button", null, { type: "button" });
  button.dataset.id = series.id;
  const title = element("span");
  title.append(isolated(series.labels.join(" / ") || "(no label)"));
  button.append(title, element("span", null, { class: "quiet" }));
  button.addEventListener("click", () => { open(series); });
  const item = element("li");
  item.append(button);
  return item;
}
function describe(series, button) {
  const verdict = decisions.get(series.id);
  const notes = [series.modality, counted(series.instances, "instance")];
  if (series.refused) notes.push(`${number.format(series.refused)} refused`);
  if (series.blanked) notes.push("pixels blanked");
  if (series.uncertain) notes.push("may show text");
  const line = button.lastChild;
  line.replaceChildren(`${notes.join(", ")} `, element("b", verdict || "undecided", { class: verdict || false }));
  if (series === current) button.setAttribute("aria-current", "true"); else button.removeAttribute("aria-current");
}
const entries = new Map();
function list() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const test = tests[byId("filter").value];
  listed = page.series.filter((series) => test(series) && fits(series, words));
  byId("list").replaceChildren(...listed.map((series) => {
    if (!entries.has(series.id)) entries.set(series.id, entry(series));
    const item = entries.get(series.id);
    describe(series, item.firstChild);
    return item;
  }));
  byId("listed").textContent = `${counted(listed.length, "series")} listed`;
  sums();
}
function redescribe(series) {
  const item = series && entries.get(series.id);
  if (item) describe(series, item.firstChild);
}

function decide(verdict) {
  if (!current || sending) return;
  if (verdict) decisions.set(current.id, verdict); else decisions.delete(current.id);
  keep();
  redescribe(current);
  sums();
  pressed();
  byId("said").textContent = `${current.labels.join(" / ")}: ${verdict || "undecided"}`;
}
function pressed() {
  for (const button of document.querySelectorAll(".decide button")) {
    button.setAttribute("aria-pressed", String((decisions.get(current.id) || "") === button.dataset.verdict));
  }
}

function picture(series, shown) {
  const place = `instance ${number.format(shown.instance)}, frame ${number.format(shown.frame)}`;
  const figure = element("figure");
  const image = element("img", null, { src: shown.src, width: shown.width, height: shown.height, alt: `Cleaned ${place}`, loading: "lazy" });
  figure.append(image, element("figcaption", shown.found ? `${place}: places outlined` : place));
  if (served) {
    const button = element("button", "Show original", { type: "button", "aria-label": `Show original of ${place}` });
    button.addEventListener("click", () => {
      const cleaned = image.getAttribute("src") === shown.src;
      image.src = cleaned ? shown.original : shown.src;
      image.alt = `${cleaned ? "Original" : "Cleaned"} ${place}`;
      button.textContent = cleaned ? "Show cleaned" : "Show original";
      button.setAttribute("aria-label", `${button.textContent} of ${place}`);
    });
    figure.append(button);
  }
  const item = element("li");
  item.append(figure);
  return item;
}
function table(caption, heads, rows) {
  const made = element("table");
  const head = element("tr");
  head.append(...heads.map((text) => element("th", text, { scope: "col" })));
  const top = element("thead");
  top.append(head);
  const body = element("tbody");
  for (const cells of rows) {
    const row = element("tr");
    cells.forEach((cell, at) => {
      const made = element(at === 0 ? "th" : "td", null, at === 0 ? { scope: "row" } : { class: "value" });
      made.append(isolated(cell));
      row.append(made);
    });
    body.append(row);
  }
  made.append(element("caption", caption), top, body);
  const box = element("div", null, { class: "scroll", tabindex: "0", role: "region", "aria-label": caption });
  box.append(made);
  return box;
}
function now(row, values) {
  if (row[2] === "removed") return "(gone)";
  if (values.length === 0) return "(not in the instances that are shown)";
  return values.map((value) => (value === "" ? "(empty)" : value)).join("\n");
}
function open(series) {
  const before = current;
  current = series;
  redescribe(before);
  redescribe(series);
  const shown = byId("series");
  const title = element("h2");
  title.append(isolated(series.labels.join(" / ") || "(no label)"));
  const facts = [series.modality, counted(series.instances, "instance"), size(series.bytes)];
  if (series.refused) facts.push(`${counted(series.refused, "file")} of it refused`);
  const buttons = element("p", null, { class: "decide" });
  for (const [verdict, text] of [["approved", "Approve (a)"], ["rejected", "Reject (r)"], ["", "Undecided (u)"]]) {
    const button = element("button", text, { type: "button" });
    button.dataset.verdict = verdict;
    button.addEventListener("click", () => { decide(verdict); });
    buttons.append(button);
  }
  const parts = [title, element("p", facts.join(", "), { class: "quiet" }), buttons, element("h3", "Pictures")];
  const pictures = element("ul", null, { class: "pictures" });
  pictures.append(...series.pictures.map((one) => picture(series, one)));
  if (series.pictures.length) parts.push(pictures);
  const remarks = [];
  if (!series.pictures.length && !series.without) remarks.push("It has no image.");
  if (series.without) remarks.push(`Not everything can be shown: ${series.without}`);
  if (series.hidden) remarks.push(`${counted(series.hidden, "more frame")} in which something was blanked or found ${series.hidden === 1 ? "is" : "are"} not shown.`);
  if (series.blanked) remarks.push(`Pixels were blanked in ${counted(series.blanked, "instance")}.`);
  if (series.uncertain) remarks.push(`In ${counted(series.uncertain, "instance")} something stays that may be text.`);
  parts.push(...remarks.map((text) => element("p", text)));
  const rows = series.changes.map(([at, instances, values]) => {
    const row = page.rows[at];
    const place = row[0].endsWith(row[1]) ? row[0] : `${row[0]} ${row[1]}`;
    const where = instances === series.instances ? row[2] : `${row[2]} in ${number.format(instances)}`;
    return [place, where, row[3], now(row, values)];
  });
  if (rows.length) parts.push(element("h3", "What cleaning changed"), table("Attributes that are not what they were, and what they are now", ["Attribute", "What was done", "By", "Now"], rows));
  if (series.kept.length) parts.push(element("h3", "Texts that stay"), table("Texts of the first instance that cleaning left as they were", ["Attribute", "Text"], series.kept));
  shown.replaceChildren(...parts);
  pressed();
}
function step(by) {
  const at = listed.indexOf(current);
  const next = listed[Math.min(Math.max(at + by, 0), listed.length - 1)];
  if (!next) return;
  open(next);
  const item = entries.get(next.id);
  item.scrollIntoView({ block: "nearest" });
  item.firstChild.focus({ preventScroll: true });
}

function lines(reviewer) {
  const run = page.run;
  const head = { type: "review", v: page.v, version: run.version, project: run.project, profile: run.profile.digest, key: run.profile.key, reviewer, time: new Date().toISOString() };
  const decided = page.series.filter((one) => decisions.has(one.id));
  const all = [head, ...decided.map((one) => ({ type: "series", id: one.id, sha256: one.sha256, verdict: decisions.get(one.id) })), { type: "end", series: decided.length }];
  return all.map((one) => `${JSON.stringify(one)}\n`).join("");
}
function save(text) {
  const link = element("a", null, { href: URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" })), download: "approved.jsonl" });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  byId("said").textContent = "approved.jsonl is saved: fwupload ... --approved approved.jsonl sends what it approves";
}
async function send(text) {
  sending = true;
  byId("done").disabled = true;
  byId("all").disabled = true;
  const say = (what) => { byId("said").textContent = what; };
  try {
    const answer = await fetch("send", { method: "POST", headers: { "Content-Type": "application/x-ndjson" }, body: text });
    if (!answer.ok) throw new Error(await answer.text());
    say("Sending begins");
    for (;;) {
      await new Promise((go) => { setTimeout(go, 500); });
      const progress = await (await fetch("progress")).json();
      say(progress.text);
      if (progress.ended) return;
    }
  } catch (error) {
    say(`The program does not answer any more: ${error.message}`);
  }
}

byId("find").addEventListener("submit", (event) => { event.preventDefault(); });
byId("search").addEventListener("input", list);
byId("filter").addEventListener("change", list);
byId("all").addEventListener("click", () => {
  const open = listed.filter((series) => !decisions.has(series.id));
  if (open.length === 0 || !confirm(`Approve ${counted(open.length, "undecided series")} that ${open.length === 1 ? "is" : "are"} listed?`)) return;
  for (const series of open) decisions.set(series.id, "approved");
  keep();
  list();
  if (current) pressed();
});
byId("save").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = lines(byId("reviewer").value.trim());
  if (served) send(text); else save(text);
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input, select, textarea");
  if (typing) {
    if (event.key === "Escape") typing.blur();
    return;
  }
  const keys = { j: () => step(1), k: () => step(-1), a: () => decide("approved"), r: () => decide("rejected"), u: () => decide(""), "/": () => byId("search").focus() };
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

const run = page.run;
byId("facts").append("Project ", isolated(run.project), run.site ? " at " : "", isolated(run.site || ""), ". Cleaned under the profile ", isolated(run.profile.name), ` (${run.profile.level}, ${run.profile.digest}) by fwupload ${run.version}${run.made ? `, ${run.made}` : ""}.`);
if (!page.complete) byId("facts").after(element("p", "The run did not come to its end: there is more than this page shows.", { role: "alert" }));
if (page.refusals.length) {
  byId("refusals").hidden = false;
  byId("refusals").querySelector("tbody").append(...page.refusals.map((one) => {
    const row = element("tr");
    row.append(element("td", number.format(one.files)), element("td", one.code), element("td", `${one.sentence}: ${one.hint}`));
    return row;
  }));
}
if (page.warnings.length) {
  byId("warnings").hidden = false;
  byId("warnings").querySelector("ul").append(...page.warnings.map((text) => element("li", text)));
}
if (served) byId("done").textContent = "Send what is approved";
list();
if (listed.length) open(listed[0]);
