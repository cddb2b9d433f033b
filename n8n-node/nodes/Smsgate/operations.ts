import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { NodeApiError } from 'n8n-workflow';
import { call, list } from './client';
import { once } from './once';

type Operation = (node: Item) => Promise<IDataObject | IDataObject[]>;

const LARGEST_BULK = 1000;

/** One item that comes in, with the node's parameters as they are for it. */
class Item {
	constructor(
		readonly context: IExecuteFunctions,
		readonly index: number,
	) {}

	get<T = string>(parameter: string, fallback?: unknown): T {
		return this.context.getNodeParameter(parameter, this.index, fallback) as T;
	}

	/** In a path. */
	id(parameter: string): string {
		return encodeURIComponent(String(this.get(parameter)).trim());
	}

	message(): IDataObject {
		return {
			external_id: this.get('externalId') || once(this.context, this.index),
			phone: this.get('phone'),
			message: this.get('message'),
			...this.get<IDataObject>('options'),
		};
	}

	async read(path: string): Promise<IDataObject> {
		return await call(this.context, 'GET', path, { itemIndex: this.index });
	}

	async write(method: 'POST' | 'DELETE', path: string, body?: IDataObject): Promise<IDataObject> {
		const idempotencyKey = once(this.context, this.index);
		return await call(this.context, method, path, { body, idempotencyKey, itemIndex: this.index });
	}

	async list(path: string): Promise<IDataObject[]> {
		const limit = this.get<boolean>('returnAll') ? Infinity : this.get<number>('limit');
		const filters = this.get<IDataObject>('filters', {});
		return await list(this.context, path, filters, limit, this.index);
	}
}

const operations: Record<string, Operation> = {
	'message.send': async (item) => await item.write('POST', '/api/messages/', item.message()),
	'message.preview': async (item) =>
		await item.write('POST', '/api/messages/preview/', item.message()),
	'message.get': async (item) => await item.read(`/api/messages/${item.id('messageId')}/`),
	'message.getAll': async (item) => await item.list('/api/messages/'),
	'message.cancel': async (item) =>
		await item.write('DELETE', `/api/messages/${item.id('messageId')}/`),
	'message.resolve': async (item) =>
		await item.write('POST', `/api/messages/${item.id('messageId')}/resolve/`, {
			as: item.get('as'),
		}),
	'inbox.getAll': async (item) => await item.list('/api/inbox/'),
	'contact.upsert': async (item) =>
		await item.write('POST', '/api/contacts/contacts/', {
			name: item.get('name'),
			phone: item.get('phone'),
			...item.get<IDataObject>('contactFields'),
		}),
	'contact.getAll': async (item) => await item.list('/api/contacts/contacts/'),
	'group.upsert': async (item) => {
		const groups = [{ name: item.get('name') }];
		const answer = await item.write('POST', '/api/contacts/groups/bulk/', { groups });
		return answer.groups as IDataObject[];
	},
	'group.getAll': async (item) => await item.list('/api/contacts/groups/'),
	'optOut.create': async (item) =>
		await item.write('POST', '/api/opt-outs/', { phone: item.get('phone') }),
	'optOut.getAll': async (item) => await item.list('/api/opt-outs/'),
	'optOut.delete': async (item) => {
		await item.write('DELETE', `/api/opt-outs/${item.id('phone')}/`);
		return { phone: item.get('phone'), deleted: true };
	},
	'account.get': async (item) => await item.read('/api/me/'),
};

/** Do what the node is set to for one item. */
export async function perform(
	context: IExecuteFunctions,
	index: number,
): Promise<INodeExecutionData[]> {
	const item = new Item(context, index);
	const answer = await operations[`${item.get('resource')}.${item.get('operation')}`](item);
	return [answer].flat().map((json) => ({ json, pairedItem: { item: index } }));
}

/** Send all items in requests as large as may be; each tells whether it was accepted, or why not. */
export async function sendMany(context: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const items = context.getInputData().map((_, index) => new Item(context, index));
	const told: INodeExecutionData[] = [];
	while (told.length < items.length) {
		const messages = items.slice(told.length, told.length + LARGEST_BULK).map((one) => one.message());
		told.push(...(await bulk(context, messages, told.length)));
	}
	return told;
}

async function bulk(
	context: IExecuteFunctions,
	messages: IDataObject[],
	first: number,
): Promise<INodeExecutionData[]> {
	const tell = (json: (index: number) => IDataObject): INodeExecutionData[] =>
		messages.map((message, index) => ({
			json: { external_id: message.external_id, ...json(index) },
			pairedItem: { item: first + index },
		}));
	try {
		const answer = await call(context, 'POST', '/api/messages/bulk/', {
			body: { messages, all_or_nothing: context.getNodeParameter('allOrNothing', 0) },
			idempotencyKey: once(context, `bulk ${first}`),
		});
		const skipped = answer.skipped as IDataObject[];
		return tell((index) => {
			const why = skipped.find((one) => one.index === index);
			return why ? { accepted: false, reason: why.reason, errors: why.errors } : { accepted: true };
		});
	} catch (error) {
		if (!context.continueOnFail()) throw new NodeApiError(context.getNode(), error);
		return tell(() => ({ accepted: false, error: error.message }));
	}
}
