// What makes the console handier. Every page does its work without it.
"use strict";

const sprite = document.currentScript.dataset.icons;
const parts = {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  timeZoneName: "short",
};
const toTheMinute = new Intl.DateTimeFormat("en-GB", parts);
const toTheSecond = new Intl.DateTimeFormat("en-GB", { ...parts, second: "2-digit" });
const CLOCK = "semafore-clock";

function icon(name) {
  const namespace = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(namespace, "svg");
  picture.setAttribute("class", "icon");
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(namespace, "use");
  use.setAttribute("href", `${sprite}#${name}`);
  picture.append(use);
  return picture;
}

// Times: UTC as the server wrote them, or the viewer's own; the other one on hover, or beside it.
function showTimes(root) {
  const own = localStorage.getItem(CLOCK) === "local";
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.dataset.utc ??= time.textContent;
    const local = "seconds" in time.dataset ? toTheSecond : toTheMinute;
    const here = local.format(new Date(time.dateTime));
    if ("both" in time.dataset) {
      time.textContent = here === time.dataset.utc ? here : `${time.dataset.utc} (${here})`;
      continue;
    }
    time.textContent = own ? here : time.dataset.utc;
    time.title = own ? time.dataset.utc : here;
  }
}

function addClock() {
  for (const place of document.querySelectorAll("[data-clock]")) {
    const words = document.createElement("span");
    const button = document.createElement("button");
    button.type = "button";
    const say = () => {
      const own = localStorage.getItem(CLOCK) === "local";
      words.textContent = own ? "Times are your own." : "Times are in UTC.";
      button.textContent = own ? "Show UTC" : "Show my time";
    };
    button.addEventListener("click", () => {
      const own = localStorage.getItem(CLOCK) === "local";
      localStorage.setItem(CLOCK, own ? "utc" : "local");
      say();
      showTimes(document);
    });
    say();
    place.replaceChildren(words, button);
  }
}

function addCopyButtons(root) {
  for (const source of root.querySelectorAll("[data-copy]:not([data-copyable])")) {
    source.dataset.copyable = "";
    const button = document.createElement("button");
    const words = document.createElement("span");
    button.type = "button";
    button.className = "copy-button";
    button.setAttribute("aria-live", "polite");
    words.textContent = "Copy";
    button.append(icon("copy"), words);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(source.dataset.copy);
      words.textContent = "Copied";
      button.firstChild.replaceWith(icon("check"));
    });
    source.after(button);
  }
}

// A region that scrolls must be reachable by keyboard, and only then.
function markScrolling() {
  for (const region of document.querySelectorAll(".table-wrap")) {
    if (region.scrollWidth > region.clientWidth) {
      region.tabIndex = 0;
      region.setAttribute("role", "region");
      region.setAttribute("aria-label", region.querySelector("caption")?.textContent ?? "Table");
    } else {
      for (const name of ["tabindex", "role", "aria-label"]) region.removeAttribute(name);
    }
  }
}

function dress(root) {
  showTimes(root);
  if (navigator.clipboard) addCopyButtons(root);
  markScrolling();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const box = document.querySelector('[data-key="/"]');
    if (box?.checkVisibility()) {
      event.preventDefault();
      box.focus();
    }
  }
  const open = event.target.closest("[data-closes][open]");
  if (event.key === "Escape" && open) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});

document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("[data-closes][open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});

// One press, one request. The buttons are disabled only once the browser has gathered the fields,
// and come back after a while: an answer that is a file leaves the page where it is.
const BUSY_MILLISECONDS = 8000;

function setBusy(form, busy) {
  form.toggleAttribute("data-sent", busy);
  for (const button of form.querySelectorAll("button[type=submit]")) button.disabled = busy;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.getAttribute("method") !== "post") return;
  if (form.hasAttribute("data-sent")) {
    event.preventDefault();
    return;
  }
  form.toggleAttribute("data-sent", true);
  setTimeout(setBusy, 0, form, true);
  setTimeout(setBusy, BUSY_MILLISECONDS, form, false);
});

// The page may come back from the browser's memory, as it was when it was left.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) setBusy(form, false);
});

window.addEventListener("resize", markScrolling);
document.addEventListener("htmx:load", (event) => dress(event.detail.elt));
addClock();
dress(document);
document.querySelector("[data-focus]")?.focus();
