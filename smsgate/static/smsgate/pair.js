// The code stands in the address's fragment, which browsers never send to a server; after it the
// SHA-256 of the server's certificate, where that is of its own making.
const CODE = /^[A-Za-z0-9-]{8,32}$/;
const element = (id) => document.getElementById(id);

function show() {
  const [code, pin] = location.hash.slice(1).split("~");
  const isCode = CODE.test(code);
  element("with-code").hidden = !isCode;
  element("without-code").hidden = isCode;
  element("not-opened").hidden = element("no-code").hidden = true;
  if (!isCode) return;
  const values = { server: location.origin, code, ...(pin && { pin }) };
  element("host").textContent = location.host;
  element("code").textContent = code;
  element("link").textContent = location.href;
  element("open").href = `smsgate://pair?${new URLSearchParams(values)}`;
}

element("type-code").addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = element("typed").value.trim().toUpperCase();
  element("no-code").hidden = CODE.test(typed);
  if (CODE.test(typed)) location.hash = typed;
});

// A browser says nothing when no app takes the link; this page then stays in front.
element("open").addEventListener("click", () =>
  setTimeout(() => { element("not-opened").hidden = document.hidden; }, 2000));

window.addEventListener("hashchange", show);
show();
