// node android_sms_gateway.mjs BASE_URL LOGIN PASSWORD METHOD [JSON argument]: prints what it answers.
import Client from 'android-sms-gateway';

const [baseUrl, login, password, method, argument] = process.argv.slice(2);

// The HTTP client of the package's own README, but for one thing: a 204 has no JSON to read.
const answered = async (response) => {
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : null };
};
const http = {
    get: async (url, headers) => answered(await fetch(url, { method: 'GET', headers })),
    post: async (url, body, headers) =>
        answered(await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })),
    delete: async (url, headers) => answered(await fetch(url, { method: 'DELETE', headers })),
};

const client = new Client(login, password, http, baseUrl);
const given = argument === undefined ? [] : [JSON.parse(argument)];
console.log(JSON.stringify(await client[method](...given)));
