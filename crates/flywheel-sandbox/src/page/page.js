// The script of the sandbox's page: the tree, and what is in the entry that was chosen.
//
// Everything that comes from files or from the server is put in by `say`, as text. Nothing here
// makes markup of a string.

"use strict";

const tree = document.getElementById("tree");
const details = document.getElementById("details");
const THUMBNAIL = 96;
/** The longest name in the tree and in titles; details have all of it. */
const LONGEST = 200;

/** What is chosen; an answer for what was chosen before is not shown. */
let choice = 0;

// Text.

/** Characters that are not seen or turn the direction of what follows, as their numbers. */
function plain(text) {
  return String(text).replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
    (character) => `\\u{${character.codePointAt(0).toString(16)}}`,
  );
}

/** Makes an element with a class and a text. */
function say(name, text, className) {
  const element = document.createElement(name);
  if (className) {
    element.className = className;
  }
  if (text !== undefined && text !== null) {
    element.textContent = plain(text);
  }
  return element;
}

/** The same, for names from outside, which may be written from right to left. */
function name(text, className) {
  const element = say("span", null, className);
  element.append(say("bdi", text));
  return element;
}

function short(text) {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function bytes(count) {
  return `${count.toLocaleString("en")} ${count === 1 ? "byte" : "bytes"}`;
}

function tell(text) {
  document.getElementById("status").textContent = plain(text);
}

// Requests.

async function ask(path, method = "GET") {
  const answer = await fetch(path, { method, credentials: "same-origin", cache: "no-store" });
  if (answer.status === 401) {
    location.assign("/");
    throw new Error("The key has to be typed again.");
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Error(said.message || `The sandbox answered ${answer.status}.`);
  }
  return said;
}

function address(...parts) {
  return parts.map((part) => encodeURIComponent(part)).join("/");
}

// The tree.

const data = new WeakMap();

function items() {
  return [...tree.querySelectorAll('[role="treeitem"]')].filter(
    (item) => !item.parentElement.closest('[aria-expanded="false"]'),
  );
}

function focusOn(item) {
  if (!item) {
    return;
  }
  for (const other of tree.querySelectorAll('[role="treeitem"][tabindex="0"]')) {
    other.tabIndex = -1;
  }
  item.tabIndex = 0;
  item.focus();
  item.querySelector(".row").scrollIntoView({ block: "nearest" });
}

function treeItem(entry, level) {
  const item = document.createElement("li");
  item.setAttribute("role", "treeitem");
  item.setAttribute("aria-level", level);
  item.setAttribute("aria-selected", "false");
  item.tabIndex = -1;
  const opens = entry.below > 0 || entry.versions > 1;
  if (opens) {
    item.setAttribute("aria-expanded", "false");
  }
  const row = say("div", null, "row");
  row.append(name(short(entry.label), "label"), say("span", entry.kind, "kind"));
  item.append(row);
  data.set(item, { ...entry, level, opens, filled: false });
  return item;
}

/** An entry that stands for those that were not listed yet. */
function moreItem(more, next, level, load) {
  const item = treeItem({ kind: "", label: `Show more (${more.toLocaleString("en")})`, below: 0 }, level);
  data.get(item).more = async () => {
    const parent = item.parentElement;
    item.remove();
    const first = await load(next, parent);
    focusOn(first);
  };
  return item;
}

/** Lists what is below a container, from a place on, and gives the first new entry. */
async function fill(list, level, path, from = 0) {
  const said = await ask(`${path}?from=${from}`);
  const below = said.below || said;
  const made = below.entries.map((entry) => treeItem(entry, level));
  list.append(...made);
  if (below.more > 0) {
    list.append(moreItem(below.more, below.next, level, (next, into) => fill(into, level, path, next)));
  }
  return made[0];
}

async function open(item) {
  const entry = data.get(item);
  if (!entry.opens || item.getAttribute("aria-expanded") === "true") {
    return;
  }
  if (!entry.filled) {
    entry.filled = true;
    const list = document.createElement("ul");
    list.setAttribute("role", "group");
    try {
      if (entry.kind === "file") {
        const said = await ask(`/page/files/${address(entry.id)}`);
        for (const version of said.versions) {
          const label = `version ${version.number}`;
          const made = { id: entry.id, kind: "version", number: version.number, label, below: 0 };
          list.append(treeItem(made, entry.level + 1));
        }
      } else {
        await fill(list, entry.level + 1, `/page/containers/${address(entry.id)}`);
      }
    } catch (error) {
      entry.filled = false;
      tell(error.message);
      return;
    }
    item.append(list);
  }
  item.setAttribute("aria-expanded", "true");
}

function close(item) {
  item.setAttribute("aria-expanded", "false");
}

function choose(item) {
  const entry = data.get(item);
  if (entry.more) {
    entry.more().catch((error) => tell(error.message));
    return;
  }
  for (const other of tree.querySelectorAll('[aria-selected="true"]')) {
    other.setAttribute("aria-selected", "false");
  }
  item.setAttribute("aria-selected", "true");
  show(entry);
}

function parentOf(item) {
  return item.parentElement.closest('[role="treeitem"]');
}

tree.addEventListener("click", (event) => {
  const item = event.target.closest('[role="treeitem"]');
  if (!item) {
    return;
  }
  focusOn(item);
  if (item.getAttribute("aria-expanded") === "true" && item.getAttribute("aria-selected") === "true") {
    close(item);
  } else {
    open(item);
  }
  choose(item);
});

tree.addEventListener("keydown", (event) => {
  const item = event.target.closest('[role="treeitem"]');
  if (!item || event.ctrlKey || event.altKey || event.metaKey) {
    return;
  }
  const all = items();
  const at = all.indexOf(item);
  const isOpen = item.getAttribute("aria-expanded") === "true";
  const moves = {
    ArrowDown: () => focusOn(all[at + 1]),
    ArrowUp: () => focusOn(all[at - 1]),
    Home: () => focusOn(all[0]),
    End: () => focusOn(all[all.length - 1]),
    ArrowRight: () => (isOpen ? focusOn(item.querySelector('[role="treeitem"]')) : open(item)),
    ArrowLeft: () => (isOpen ? close(item) : focusOn(parentOf(item))),
    Enter: () => choose(item),
    " ": () => choose(item),
  };
  const move = moves[event.key];
  if (move) {
    event.preventDefault();
    move();
  } else if (event.key.length === 1) {
    const begins = (other) => data.get(other).label.toLowerCase().startsWith(event.key.toLowerCase());
    focusOn([...all.slice(at + 1), ...all.slice(0, at)].find(begins));
  }
});

// Details.

async function show(entry) {
  const chosen = ++choice;
  try {
    const shown = entry.kind === "file" || entry.kind === "version"
      ? await file(entry, chosen)
      : await container(entry);
    if (chosen === choice) {
      details.replaceChildren(...shown);
      tell(`${short(entry.label)} is shown`);
      // Where there is one column, it is below the tree.
      if (details.offsetLeft === tree.parentElement.offsetLeft) {
        details.scrollIntoView();
      }
    }
  } catch (error) {
    if (chosen === choice) {
      details.replaceChildren(say("p", error.message, "alert"));
      tell(error.message);
    }
  }
}

function heading(kind, label, path) {
  const title = say("h2", null);
  title.append(say("span", `${kind} `, "kind"), say("bdi", short(label)));
  const above = say("p", null, "path");
  (path || []).forEach((part, at) => {
    above.append(...(at > 0 ? [" / "] : []), say("bdi", short(part)));
  });
  return [title, above];
}

function facts(pairs) {
  const list = document.createElement("dl");
  for (const [term, value] of pairs) {
    if (value !== undefined && value !== null && value !== "") {
      const text = typeof value === "object" ? JSON.stringify(value, null, 1) : value;
      list.append(say("dt", term), say("dd", text));
    }
  }
  return list;
}

function asJson(title, value) {
  const block = say("pre", JSON.stringify(value, null, 2));
  block.tabIndex = 0;
  block.setAttribute("role", "region");
  block.setAttribute("aria-label", title);
  return block;
}

function governing(governing) {
  const shown = [say("h3", "De-identification profile")];
  if (!governing) {
    return [...shown, say("p", "No profile governs here.")];
  }
  const named = governing.profile.name ? ` ${JSON.stringify(governing.profile.name)}` : "";
  const text = `The profile${named} of the ${governing.level} governs here.`;
  return [...shown, say("p", text), asJson("Profile", governing.profile)];
}

async function container(entry) {
  const said = await ask(`/page/containers/${address(entry.id)}`);
  const shown = [
    ...heading(said.kind, said.label, said.path),
    facts([["Id", said.id], ["Label", said.label], ["Created", said.created], ["Modified", said.modified], ...Object.entries(said.fields)]),
  ];
  return [...shown, ...governing(said.governing)];
}

async function file(entry, chosen) {
  const said = await ask(`/page/files/${address(entry.id)}`);
  const version = said.versions.find((it) => it.number === entry.number) || said.versions[0];
  const inside = say("section", null);
  const shown = [
    ...heading("file", said.name, said.path),
    inside,
    say("h3", "About this file"),
    facts([
      ["Name", said.name],
      ["Version", `${version.number} of ${said.versions.length + said.more}`],
      ["Size", bytes(version.size)],
      ["Hash", version.hash],
      ["Received", version.created],
      ["File id", said.id],
      ...Object.entries(version.metadata),
    ]),
  ];
  if (version.log) {
    shown.push(say("h3", "De-identification log"), asJson("De-identification log", version.log));
  }
  shown.push(...governing(said.governing));
  const path = `/page/files/${address(said.id, version.number)}`;
  if (!version.is_kept) {
    inside.append(say("h3", "Content"), say("p", "The bytes of this file were not kept."));
  } else if (version.is_zip) {
    inside.append(...(await members(path, chosen)));
  } else {
    inside.append(...(await content(path, "", said.name)));
  }
  return shown;
}

async function members(path, chosen) {
  const list = say("ul", null, "members");
  const one = say("section", null);
  one.setAttribute("aria-label", "Member");
  const more = say("p", null);
  const count = say("h3", "Members");
  const load = async (from) => {
    const said = await ask(`${path}/members?from=${from}`);
    list.append(...said.members.map((member) => memberItem(path, member, list, one, chosen)));
    count.textContent = `Members (${(said.next + said.more).toLocaleString("en")})`;
    more.replaceChildren();
    if (said.more > 0) {
      const button = say("button", `Show more (${said.more.toLocaleString("en")})`);
      button.type = "button";
      button.addEventListener("click", () => load(said.next).catch((error) => tell(error.message)));
      more.append(button);
    }
  };
  await load(0);
  return [count, list, more, one];
}

function memberItem(path, member, list, one, chosen) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-pressed", "false");
  if (member.size > 0) {
    const image = document.createElement("img");
    image.alt = "";
    image.loading = "lazy";
    image.addEventListener("error", () => image.remove());
    image.src = `${path}/picture?member=${member.number}&side=${THUMBNAIL}`;
    button.append(image);
  }
  button.append(name(short(member.name), "label"), say("span", bytes(member.size), "size"));
  button.addEventListener("click", async () => {
    for (const other of list.querySelectorAll('[aria-pressed="true"]')) {
      other.setAttribute("aria-pressed", "false");
    }
    button.setAttribute("aria-pressed", "true");
    const shown = await content(path, `member=${member.number}&`, member.name);
    if (chosen === choice && button.getAttribute("aria-pressed") === "true") {
      one.replaceChildren(...shown);
      tell(`${short(member.name)} is shown`);
    }
  });
  item.append(button);
  return item;
}

/** The picture and the header of a file or a member; where there are none, why. */
async function content(path, which, label) {
  let header;
  try {
    header = await ask(`${path}/header?${which}`);
  } catch (error) {
    return [say("h3", "Content"), say("p", error.message)];
  }
  const shown = [];
  if (header.frames > 0) {
    shown.push(...picture(`${path}/picture?${which}`, header.frames, label));
  } else if (header.no_picture) {
    shown.push(say("h3", "Picture"), say("p", `There is no picture: ${header.no_picture}.`));
  }
  return [...shown, say("h3", "Header"), table(header.lines)];
}

function picture(path, frames, label) {
  const box = say("div", null, "picture");
  const image = document.createElement("img");
  const said = say("p", null, "alert");
  const where = say("span", null);
  let frame = 0;
  const slider = document.createElement("input");
  const step = (text, by) => {
    const button = say("button", text);
    button.type = "button";
    button.addEventListener("click", () => go(frame + by));
    return button;
  };
  const [before, after] = [step("Previous", -1), step("Next", 1)];
  const go = (number) => {
    frame = Math.min(Math.max(number, 0), frames - 1);
    image.src = `${path}frame=${frame}`;
    image.alt = plain(`Frame ${frame + 1} of ${frames} of ${short(label)}`);
    where.textContent = `${frame + 1} of ${frames}`;
    slider.value = frame + 1;
    before.disabled = frame === 0;
    after.disabled = frame === frames - 1;
  };
  image.addEventListener("load", () => said.replaceChildren());
  // A picture does not say why it is none; the same request does.
  image.addEventListener("error", () => {
    ask(`${path}frame=${frame}`).catch((error) => said.replaceChildren(plain(error.message)));
  });
  box.append(image, said);
  if (frames > 1) {
    slider.type = "range";
    slider.min = 1;
    slider.max = frames;
    slider.setAttribute("aria-label", "Frame");
    slider.addEventListener("input", () => go(Number(slider.value) - 1));
    const stepper = say("div", null, "stepper");
    stepper.append(before, slider, after, where);
    box.append(stepper);
  }
  go(0);
  return [say("h3", "Picture"), box];
}

function table(lines) {
  const box = say("div", null, "scrolls");
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", "Header");
  const made = document.createElement("table");
  const head = made.createTHead().insertRow();
  for (const title of ["Tag", "Attribute", "VR", "Value"]) {
    const cell = say("th", title);
    cell.scope = "col";
    head.append(cell);
  }
  const body = made.createTBody();
  for (const line of lines) {
    const row = body.insertRow();
    const depth = `depth-${Math.min(line.depth, 4)}`;
    row.append(
      say("td", line.tag, `tag ${depth}`),
      say("td", line.keyword || ""),
      say("td", line.vr),
      say("td", line.value, "value"),
    );
  }
  box.append(made);
  return box;
}

// The whole sandbox.

async function reload() {
  choice += 1;
  details.replaceChildren(say("p", "Choose an entry of the tree to see what is in it.", "hint"));
  const list = document.createElement("ul");
  await fill(list, 1, "/page/containers");
  tree.replaceChildren(...list.children);
  document.getElementById("empty").hidden = tree.children.length > 0;
  tree.hidden = tree.children.length === 0;
  const first = tree.querySelector('[role="treeitem"]');
  if (first) {
    first.tabIndex = 0;
  }
}

async function start() {
  const state = await ask("/page/state");
  document.getElementById("address").textContent = plain(state.url);
  document.getElementById("discards").hidden = !state.discards;
  await reload();
  const wanted = /^#\/projects\/([0-9a-f]{24})$/.exec(location.hash);
  if (wanted) {
    await lead(wanted[1]);
  }
}

/** Opens the tree down to a container and shows it: addresses of Flywheel name a project so. */
async function lead(id) {
  const { ids } = await ask(`/page/containers/${address(id)}`);
  let item;
  for (const above of ids) {
    if (item) {
      await open(item);
    }
    item = [...tree.querySelectorAll('[role="treeitem"]')].find((it) => data.get(it).id === above);
    if (!item) {
      return;
    }
  }
  focusOn(item);
  choose(item);
}

const dialog = document.getElementById("confirm");

document.getElementById("reload").addEventListener("click", () => {
  reload().then(() => tell("The tree was loaded again."), (error) => tell(error.message));
});

document.getElementById("reset").addEventListener("click", () => {
  dialog.returnValue = "cancel";
  dialog.showModal();
});

dialog.addEventListener("close", async () => {
  if (dialog.returnValue !== "reset") {
    return;
  }
  try {
    await ask("/page/reset", "POST");
    await reload();
    tell("The sandbox is empty.");
  } catch (error) {
    details.replaceChildren(say("p", error.message, "alert"));
    tell(error.message);
  }
});

start().catch((error) => {
  details.replaceChildren(say("p", error.message, "alert"));
});
