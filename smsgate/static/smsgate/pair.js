// The code stands in the address's fragment, which browsers never send to a server; after it the
// SHA-256 of the server's certificate, where that is of its own making.
const [code, pin] = decodeURIComponent(location.hash.slice(1)).split("~");
if (/^[A-Za-z0-9-]{8,32}$/.test(code)) {
  const values = { server: location.origin, code, ...(pin && { pin }) };
  const link = `smsgate://pair?${new URLSearchParams(values)}`;
  document.getElementById("host").textContent = location.host;
  document.getElementById("code").textContent = code;
  document.getElementById("link").textContent = location.href;
  document.getElementById("open").href = link;
  document.getElementById("with-code").hidden = false;
  document.getElementById("without-code").hidden = true;
}
