// What needs no n8n: `npm run build` first. `make n8n-test` of the project runs the node in a real one.
const assert = require('node:assert/strict');
const { createHmac } = require('node:crypto');
const { test } = require('node:test');

const { call, list } = require('../dist/nodes/Smsgate/client.js');
const { once } = require('../dist/nodes/Smsgate/once.js');
const { isGenuine } = require('../dist/nodes/SmsgateTrigger/signature.js');

const SECRET = 'whsec_c2VjcmV0';

function signed(body, timestamp, key = 'secret') {
	const digest = createHmac('sha256', key).update(`7.${timestamp}.${body}`).digest('base64');
	return {
		'webhook-id': '7',
		'webhook-timestamp': String(timestamp),
		'webhook-signature': `v1,${digest}`,
	};
}

test('what smsgate signed is genuine, also beside a former signature', () => {
	const headers = signed('{}', 1000);
	assert(isGenuine(SECRET, headers, Buffer.from('{}'), 1001));
	headers['webhook-signature'] = `v1,AAAA ${headers['webhook-signature']}`;
	assert(isGenuine(SECRET, headers, Buffer.from('{}'), 1001));
});

test('another body, another key, an old time and no signature are not', () => {
	assert(!isGenuine(SECRET, signed('{}', 1000), Buffer.from('[]'), 1001));
	assert(!isGenuine(SECRET, signed('{}', 1000, 'other'), Buffer.from('{}'), 1001));
	assert(!isGenuine(SECRET, signed('{}', 1000), Buffer.from('{}'), 1301));
	assert(!isGenuine(SECRET, {}, Buffer.from('{}'), 1001));
});

function step({ execution = '1', node = 'send', run = 0 } = {}) {
	return {
		getInstanceId: () => 'n8n',
		getWorkflow: () => ({ id: 'w' }),
		getExecutionId: () => execution,
		getNode: () => ({ name: node }),
		getWorkflowDataProxy: () => ({ $runIndex: run }),
	};
}

test('a retry has the same id, another item, run, node or execution another', () => {
	const id = once(step(), 0);
	assert.equal(once(step(), 0), id);
	const others = [
		once(step(), 1),
		once(step({ run: 1 }), 0),
		once(step({ node: 'again' }), 0),
		once(step({ execution: '2' }), 0),
	];
	assert.equal(new Set([id, ...others]).size, 5);
});

test('a refusal is told in the words of smsgate, and what is no smsgate is named', async () => {
	const told = async (statusCode, body) => {
		const context = {
			getCredentials: async () => ({ url: 'http://sms.example' }),
			getNode: () => ({ name: 'smsgate' }),
			helpers: { httpRequestWithAuthentication: async () => ({ statusCode, body }) },
		};
		return await call(context, 'GET', '/api/me/').catch((error) => error.message);
	};
	assert.equal(await told(403, { message: 'The key lacks it.', code: 'scope_missing' }), 'The key lacks it.');
	assert.match(await told(404, '<html>'), /not answered by a smsgate/);
	assert.match(await told(200, '<html>'), /not answered by a smsgate/);
	assert.deepEqual(await told(204, ''), {});
});

test('a list ends with its last page, or with its limit', async () => {
	const asked = [];
	const pages = { '': ['a', 'b'], x: ['c'] };
	const context = {
		getCredentials: async () => ({ url: 'http://sms.example/' }),
		helpers: {
			httpRequestWithAuthentication: async (_, { url, qs }) => {
				asked.push([url, qs.limit]);
				const next = qs.cursor ? null : 'http://sms.example/api/inbox/?cursor=x';
				return { statusCode: 200, body: { next, results: pages[qs.cursor ?? ''] } };
			},
		},
	};
	assert.deepEqual(await list(context, '/api/inbox/', {}, Infinity, 0), ['a', 'b', 'c']);
	assert.deepEqual(await list(context, '/api/inbox/', {}, 2, 0), ['a', 'b']);
	assert.deepEqual(asked.map(([, limit]) => limit), [500, 500, 2]);
	assert.equal(asked[0][0], 'http://sms.example/api/inbox/');
});
