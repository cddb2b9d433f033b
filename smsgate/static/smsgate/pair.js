// The code stands in the address's fragment, which browsers never send to a server.
const code = decodeURIComponent(location.hash.slice(1));
if (/^[A-Za-z0-9-]{8,32}$/.test(code)) {
  const server = location.origin;
  const link = `smsgate://pair?server=${encodeURIComponent(server)}&code=${encodeURIComponent(code)}`;
  document.getElementById("host").textContent = location.host;
  document.getElementById("code").textContent = code;
  document.getElementById("link").textContent = location.href;
  document.getElementById("open").href = link;
  document.getElementById("with-code").hidden = false;
  document.getElementById("without-code").hidden = true;
}
