import type { IDisplayOptions, INodeProperties } from 'n8n-workflow';

const shownFor = (resource: string[], operation: string[]): IDisplayOptions => ({
	show: { resource, operation },
});

const STATES = [
	['Cancelled', 'cancelled'],
	['Delivered', 'delivered'],
	['Expired', 'expired'],
	['Failed', 'failed'],
	['Leased', 'leased'],
	['Pending', 'pending'],
	['Sending', 'sending'],
	['Sent', 'sent'],
	['Uncertain', 'uncertain'],
	['Undelivered', 'undelivered'],
].map(([name, value]) => ({ name, value }));

const resources: INodeProperties[] = [
	{
		displayName: 'Resource',
		name: 'resource',
		type: 'options',
		noDataExpression: true,
		options: [
			{ name: 'Account', value: 'account' },
			{ name: 'Contact', value: 'contact' },
			{ name: 'Group', value: 'group' },
			{ name: 'Inbox', value: 'inbox' },
			{ name: 'Message', value: 'message' },
			{ name: 'Opt-Out', value: 'optOut' },
		],
		default: 'message',
	},
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: ['message'] } },
		options: [
			{
				name: 'Cancel',
				value: 'cancel',
				action: 'Cancel a message',
				description: 'Cancel what no phone has sent yet',
			},
			{
				name: 'Get',
				value: 'get',
				action: 'Get a message',
				description: 'Get its state and timeline',
			},
			{
				name: 'Get Many',
				value: 'getAll',
				action: 'Get many messages',
				description: 'List messages, newest first',
			},
			{
				name: 'Preview',
				value: 'preview',
				action: 'Preview a message',
				description: 'Say what a send would do, and send nothing',
			},
			{
				name: 'Resolve',
				value: 'resolve',
				action: 'Resolve a message',
				description: 'Decide about an uncertain message, or send a failed one again',
			},
			{
				name: 'Send',
				value: 'send',
				action: 'Send a message',
				description: 'Send one SMS for each item',
			},
			{
				name: 'Send Many',
				value: 'sendMany',
				action: 'Send many messages',
				description: 'Send one SMS for each item, up to 1,000 in one request',
			},
		],
		default: 'send',
	},
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: ['contact'] } },
		options: [
			{
				name: 'Create or Update',
				value: 'upsert',
				action: 'Create or update a contact',
				description: 'Create a new record, or update the current one if it already exists (upsert)',
			},
			{
				name: 'Get Many',
				value: 'getAll',
				action: 'Get many contacts',
				description: 'List contacts, newest first',
			},
		],
		default: 'upsert',
	},
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: ['group'] } },
		options: [
			{
				name: 'Create or Update',
				value: 'upsert',
				action: 'Create or update a group',
				description: 'Create a new record, or update the current one if it already exists (upsert)',
			},
			{
				name: 'Get Many',
				value: 'getAll',
				action: 'Get many groups',
				description: 'List groups, newest first',
			},
		],
		default: 'upsert',
	},
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: ['optOut'] } },
		options: [
			{
				name: 'Create',
				value: 'create',
				action: 'Create an opt out',
				description: 'Send nothing more to a number',
			},
			{
				name: 'Delete',
				value: 'delete',
				action: 'Delete an opt out',
				description: 'Take an opt-out back',
			},
			{
				name: 'Get Many',
				value: 'getAll',
				action: 'Get many opt outs',
				description: 'List who wants nothing more',
			},
		],
		default: 'create',
	},
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: ['inbox'] } },
		options: [
			{
				name: 'Get Many',
				value: 'getAll',
				action: 'Get many received SMS',
				description: 'List SMS that your phones received, newest first',
			},
		],
		default: 'getAll',
	},
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: ['account'] } },
		options: [
			{
				name: 'Get',
				value: 'get',
				action: 'Get the account',
				description: "Get what is left of the day's limit, and how the phones are",
			},
		],
		default: 'get',
	},
];

const SENDS = shownFor(['message'], ['send', 'sendMany', 'preview']);

const messages: INodeProperties[] = [
	{
		displayName: 'Message',
		name: 'message',
		type: 'string',
		typeOptions: { rows: 3 },
		default: '',
		required: true,
		displayOptions: SENDS,
		description: 'The text, of 1 to 10 SMS parts',
	},
	{
		displayName: 'External ID',
		name: 'externalId',
		type: 'string',
		default: '',
		placeholder: 'e.g. order-12345',
		displayOptions: SENDS,
		description:
			'What the message is about: smsgate accepts an ID once, for ever. Left empty, it is made of this execution, node and item, so that a retry sends nothing twice.',
	},
	{
		displayName: 'All or Nothing',
		name: 'allOrNothing',
		type: 'boolean',
		default: false,
		displayOptions: shownFor(['message'], ['sendMany']),
		description: 'Whether one item that cannot be accepted refuses the whole request',
	},
	{
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		displayOptions: SENDS,
		options: [
			{
				displayName: 'If Uncertain',
				name: 'on_uncertain',
				type: 'options',
				options: [
					{ name: 'Hold It for Me', value: 'hold' },
					{ name: 'Send It Again, Perhaps Twice', value: 'resend' },
				],
				default: 'hold',
				description: 'What to do where nobody knows whether it was sent',
			},
			{
				displayName: 'Priority',
				name: 'priority',
				type: 'number',
				typeOptions: { minValue: -32768, maxValue: 32767 },
				default: 0,
				description: 'Higher ones are sent first',
			},
			{
				displayName: 'Send After',
				name: 'send_after',
				type: 'dateTime',
				default: '',
				description: "Without an offset it is the account's local time",
			},
			{
				displayName: 'Send Before',
				name: 'send_before',
				type: 'dateTime',
				default: '',
				description: 'What no phone has sent by then expires',
			},
		],
	},
	{
		displayName: 'Message ID',
		name: 'messageId',
		type: 'string',
		default: '',
		required: true,
		displayOptions: shownFor(['message'], ['get', 'cancel', 'resolve']),
		description: 'The "ID" that a send answers',
	},
	{
		displayName: 'As',
		name: 'as',
		type: 'options',
		options: [
			{ name: 'Given Up', value: 'given_up', description: 'It was not sent' },
			{ name: 'Send Again', value: 'again', description: 'Send it, perhaps a second time' },
			{ name: 'Sent', value: 'sent', description: 'It was sent' },
		],
		default: 'sent',
		displayOptions: shownFor(['message'], ['resolve']),
	},
];

const others: INodeProperties[] = [
	{
		displayName: 'Name',
		name: 'name',
		type: 'string',
		default: '',
		required: true,
		displayOptions: shownFor(['contact', 'group'], ['upsert']),
	},
	{
		displayName: 'Fields',
		name: 'contactFields',
		type: 'collection',
		placeholder: 'Add field',
		default: {},
		displayOptions: shownFor(['contact'], ['upsert']),
		options: [
			{
				displayName: 'Group Name',
				name: 'group_name',
				type: 'string',
				default: '',
				description: 'A group to put it in, made where there is none',
			},
			{
				displayName: 'Message',
				name: 'message',
				type: 'string',
				typeOptions: { rows: 3 },
				default: '',
				description: 'An SMS to it, with {name} for its name. It needs a "Send After".',
			},
			{
				displayName: 'Send After',
				name: 'send_after',
				type: 'dateTime',
				default: '',
				description: 'When the SMS may be sent',
			},
		],
	},
];

const LISTS = { show: { operation: ['getAll'] } };

const lists: INodeProperties[] = [
	{
		displayName: 'Return All',
		name: 'returnAll',
		type: 'boolean',
		default: false,
		displayOptions: LISTS,
		description: 'Whether to return all results or only up to a given limit',
	},
	{
		displayName: 'Limit',
		name: 'limit',
		type: 'number',
		typeOptions: { minValue: 1 },
		default: 50,
		displayOptions: { show: { operation: ['getAll'], returnAll: [false] } },
		description: 'Max number of results to return',
	},
	{
		displayName: 'Filters',
		name: 'filters',
		type: 'collection',
		placeholder: 'Add filter',
		default: {},
		displayOptions: shownFor(['message'], ['getAll']),
		options: [
			{
				displayName: 'External ID',
				name: 'external_id',
				type: 'string',
				default: '',
				description: 'One, or up to 200 with commas between them',
			},
			{ displayName: 'Phone', name: 'phone', type: 'string', default: '' },
			{ displayName: 'Since', name: 'since', type: 'dateTime', default: '' },
			{
				displayName: 'Status',
				name: 'status',
				type: 'options',
				options: STATES,
				default: 'pending',
			},
		],
	},
	{
		displayName: 'Filters',
		name: 'filters',
		type: 'collection',
		placeholder: 'Add filter',
		default: {},
		displayOptions: shownFor(['inbox'], ['getAll']),
		options: [
			{
				displayName: 'After',
				name: 'after',
				type: 'number',
				default: 0,
				description: 'The highest ID that you have seen',
			},
			{ displayName: 'Sender', name: 'sender', type: 'string', default: '' },
			{ displayName: 'Since', name: 'since', type: 'dateTime', default: '' },
			{ displayName: 'Until', name: 'until', type: 'dateTime', default: '' },
		],
	},
	{
		displayName: 'Filters',
		name: 'filters',
		type: 'collection',
		placeholder: 'Add filter',
		default: {},
		displayOptions: shownFor(['contact'], ['getAll']),
		options: [
			{
				displayName: 'Group ID',
				name: 'group',
				type: 'string',
				default: '',
			},
			{ displayName: 'Phone', name: 'phone', type: 'string', default: '' },
			{
				displayName: 'Search',
				name: 'search',
				type: 'string',
				default: '',
				description: 'A part of the name or of the number',
			},
		],
	},
	{
		displayName: 'Filters',
		name: 'filters',
		type: 'collection',
		placeholder: 'Add filter',
		default: {},
		displayOptions: shownFor(['group'], ['getAll']),
		options: [
			{
				displayName: 'Search',
				name: 'search',
				type: 'string',
				default: '',
				description: 'A part of the name',
			},
		],
	},
];

const phone: INodeProperties = {
	displayName: 'Phone',
	name: 'phone',
	type: 'string',
	default: '',
	required: true,
	placeholder: '+48123456789',
	description: "With + and country code, or a national number of the account's country",
};

export const properties: INodeProperties[] = [
	...resources,
	{ ...phone, displayOptions: SENDS },
	...messages,
	{ ...phone, displayOptions: shownFor(['optOut'], ['create', 'delete']) },
	{ ...phone, displayOptions: shownFor(['contact'], ['upsert']) },
	...others,
	...lists,
];
