// One page for the installation and for later: it makes the hook link the address of an SMS provider of
// this portal. The link goes from this page to Bitrix24, and to nobody else.
const CODE = "smsgate";
const element = (id) => document.getElementById(id);
const speak = (language) => { document.documentElement.lang = language.startsWith("pl") ? "pl" : "en"; };

function hookLink(typed) {
  if (!URL.canParse(typed)) return null;
  const { protocol, origin, pathname, search, hash } = new URL(typed);
  const isLink = protocol === "https:" && /^\/hooks\/[\w-]{20,100}\/?$/.test(pathname) && !search && !hash;
  return isLink ? origin + pathname : null;
}

const call = (method, values) => new Promise((resolve, reject) =>
  BX24.callMethod(method, values, (result) =>
    result.error() ? reject(result.error()) : resolve(result.data())));

async function connect(handler) {
  const own = await call("messageservice.sender.list", {});
  const values = { CODE, HANDLER: handler, NAME: "smsgate", DESCRIPTION: "SMS" };
  if (own.includes(CODE)) await call("messageservice.sender.update", values);
  else await call("messageservice.sender.add", { ...values, TYPE: "SMS" });
  element("connected").hidden = false;
  BX24.installFinish(); // opens index.html, where it was the installation
}

element("connect").addEventListener("submit", (event) => {
  event.preventDefault();
  const link = hookLink(element("link").value.trim());
  element("no-link").hidden = link !== null;
  element("refused").hidden = true;
  if (link !== null) connect(link).catch(refuse);
});

function refuse(error) {
  element("reason").textContent = String(error);
  element("refused").hidden = false;
}

speak(navigator.language);
if (typeof BX24 !== "undefined") BX24.init(() => {
  speak(BX24.getLang());
  element("outside").hidden = true;
  element("connect").hidden = false;
  call("messageservice.sender.list", {})
    .then((own) => { element("connected").hidden = !own.includes(CODE); })
    .catch(refuse);
});
