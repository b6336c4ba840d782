// Verifies the proof of the event that the page shows, and holds the page against it.

const place = document.querySelector("[data-proof]");
const button = place?.querySelector("[data-verify]");
const findings = place?.querySelector("[data-findings]");

// The event as the proof opens it. It is read from a text that the verifier has passed.
function proved(text) {
  const lines = text.split("\n");
  const line = (name) => lines.find((one) => one.startsWith(`${name} `))?.slice(name.length + 1);
  const bytes = Uint8Array.from(atob(line("extra")), (one) => one.codePointAt(0));
  const extra = JSON.parse(new TextDecoder().decode(bytes));
  const part = (name) => (extra[name] === undefined ? undefined : JSON.parse(extra[name]));
  return { index: line("index"), class: extra.class, who: part("who"), what: part("what") };
}

// A value as the page words it (`audit/sentences.py`, in_words).
function inWords(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (Array.isArray(value)) {
    const nested = value.some((one) => one !== null && typeof one === "object");
    return value.map(inWords).join(nested ? "; " : ", ") || "None";
  }
  if (typeof value !== "object") return String(value);
  const pairs = Object.entries(value).map(
    ([name, one]) => `${name.replaceAll("_", " ")} ${inWords(one)}`,
  );
  return pairs.join(", ") || "None";
}

function at(facts, path) {
  let value = facts;
  for (const name of path.split(".")) value = value?.[name];
  return value;
}

// What the page shows and the proof doesn't say, a sentence each.
function differences(facts) {
  const found = [];
  for (const element of document.querySelectorAll("[data-proved]")) {
    const path = element.dataset.proved;
    const value = at(facts, path);
    const shown = element.querySelector("time")?.dateTime ?? element.textContent.trim();
    if (value === undefined) {
      found.push(`This page shows “${shown}” (${path}), and the proof holds nothing there.`);
    } else if (inWords(value) !== shown) {
      found.push(`This page shows “${shown}” (${path}), and the proof says “${inWords(value)}”.`);
    }
  }
  return found;
}

function list(title, sentences, kind) {
  if (!sentences.length) return [];
  const box = document.createElement("div");
  const heading = document.createElement("h3");
  const items = document.createElement("ul");
  box.className = `notice ${kind}`;
  heading.textContent = title;
  for (const sentence of sentences) {
    const item = document.createElement("li");
    item.textContent = sentence;
    items.append(item);
  }
  box.append(heading, items);
  return [box];
}

async function verify() {
  const { verifyProof } = await import(place.dataset.verifier);
  const answer = await fetch(place.dataset.proof, { redirect: "error", cache: "no-store" });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const text = await answer.text();
  const { checked, notChecked, failed } = await verifyProof(text, place.dataset.vkeys.split("\n"));
  const differs = failed.length ? [] : differences(proved(text));
  const agrees = "This page shows what the proof says: place, type, time, and each value.";
  const wrong = [...failed, ...differs];
  findings.replaceChildren(
    ...list("This does not hold", wrong, "notice-wrong"),
    ...list("Checked in this browser", [...checked, ...(wrong.length ? [] : [agrees])], "notice-good"),
    ...list("Not checked", notChecked, "notice-wait"),
  );
}

if (button) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    findings.textContent = "Verifying…";
    try {
      await verify();
    } catch (error) {
      const reason = `The proof could not be verified: ${error.message}.`;
      findings.replaceChildren(...list("Not checked", [reason], "notice-wait"));
    } finally {
      button.disabled = false;
    }
  });
}
