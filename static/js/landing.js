// The token stands behind the # of the address, which browsers keep to themselves: send it on.
"use strict";

function sendOn() {
  const token = window.location.hash.slice(1);
  if (!token) return;
  const form = document.querySelector("#open");
  history.replaceState(null, "", window.location.pathname);
  form.elements.token.value = token;
  form.submit();
}

// Another link that is opened on this page changes no more than what stands behind the #.
window.addEventListener("hashchange", sendOn);
sendOn();
