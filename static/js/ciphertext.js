// Computes the SHA-256 of a ciphertext in the browser: the file is never sent.

const place = document.querySelector("[data-ciphertext]");
const chooser = place.querySelector("input");
const said = place.querySelector("[data-ciphertext-said]");
const field = document.getElementById(place.dataset.ciphertext);

// A request of more bytes is refused by the server, so no ciphertext can have more.
const MOST_BYTES = 8 * 1024 * 1024;

function hex(bytes) {
  return Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
}

async function hash(file) {
  field.value = "";
  if (file.size > MOST_BYTES) {
    said.textContent = `${file.name} is larger than any ciphertext that the server takes.`;
    return;
  }
  said.textContent = `Reading ${file.name}…`;
  try {
    const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    field.value = hex(new Uint8Array(digest));
    said.textContent = `The SHA-256 of ${file.name}, ${file.size} bytes, stands below.`;
  } catch (error) {
    said.textContent = `${file.name} could not be read: ${error.message}.`;
  }
}

// Browsers compute hashes in secure contexts alone; elsewhere the digits are typed.
if (globalThis.crypto?.subtle) {
  place.hidden = false;
  chooser.addEventListener("change", () => {
    if (chooser.files.length) hash(chooser.files[0]);
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    chooser.files = event.dataTransfer.files;
    hash(chooser.files[0]);
  });
}
