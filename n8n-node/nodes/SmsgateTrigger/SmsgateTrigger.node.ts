import type {
	IDataObject,
	IHookFunctions,
	INodeType,
	INodeTypeDescription,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';
import { call } from '../Smsgate/client';
import { isGenuine } from './signature';

interface Registered extends IDataObject {
	id: number;
	secret: string;
}

const EVENTS = {
	'contacts.import.finished': 'Import of Contacts Finished',
	'device.back': 'Phone Is Back',
	'device.paired': 'Phone Paired',
	'device.paused': 'Phone Paused',
	'device.silent': 'Phone Silent',
	'limit.reached': "Day's Limit Reached",
	'message.accepted': 'Message Accepted',
	'message.cancelled': 'Message Cancelled',
	'message.delivered': 'Message Delivered',
	'message.expired': 'Message Expired',
	'message.failed': 'Message Failed',
	'message.resolved': 'Message Resolved',
	'message.sent': 'Message Sent',
	'message.uncertain': 'Message Uncertain',
	'message.undelivered': 'Message Undelivered',
	'opt_out.created': 'Opt-Out Created',
	'opt_out.removed': 'Opt-Out Removed',
	'sms.received': 'SMS Received',
	'webhook.test': 'Webhook Test',
};

export class SmsgateTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'smsgate Trigger',
		name: 'smsgateTrigger',
		icon: { light: 'file:../../icons/smsgate.svg', dark: 'file:../../icons/smsgate.dark.svg' },
		group: ['trigger'],
		version: 1,
		subtitle: '={{$parameter["events"].join(", ")}}',
		description: 'Starts when an SMS comes in, or when something happens to one of yours',
		defaults: { name: 'smsgate Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'smsgateApi', required: true }],
		webhooks: [{ name: 'default', httpMethod: 'POST', responseMode: 'onReceived', path: 'webhook' }],
		properties: [
			{
				displayName: 'Events',
				name: 'events',
				type: 'multiOptions',
				options: Object.entries(EVENTS).map(([value, name]) => ({ name, value })),
				default: ['sms.received'],
				required: true,
			},
			{
				displayName: 'Only This Licence',
				name: 'onlyThisLicence',
				type: 'boolean',
				default: false,
				description:
					"Whether to hear only what concerns the credential's licence, and not the whole account",
			},
		],
	};

	webhookMethods = {
		default: {
			// `create` is asked at each start of n8n: it sets anew what there is, and brings the secret.
			async checkExists(this: IHookFunctions): Promise<boolean> {
				return false;
			},

			async create(this: IHookFunctions): Promise<boolean> {
				const url = this.getNodeWebhookUrl('default') as string;
				const answer = await call(this, 'POST', '/api/webhooks/', {
					body: {
						url,
						events: this.getNodeParameter('events'),
						name: `n8n: ${this.getWorkflow().name}`.slice(0, 255),
						license: this.getNodeParameter('onlyThisLicence') ? 'own' : 'all',
					},
				});
				const { id, secret } = answer as Registered;
				this.getWorkflowStaticData('node')[url] = { id, secret }; // a test's URL is another
				return true;
			},

			async delete(this: IHookFunctions): Promise<boolean> {
				const url = this.getNodeWebhookUrl('default') as string;
				const data = this.getWorkflowStaticData('node');
				const registered = data[url] as Registered | undefined;
				if (!registered) return true;
				await call(this, 'DELETE', `/api/webhooks/${registered.id}/`, { mayBeGone: true });
				delete data[url];
				return true;
			},
		},
	};

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		const url = this.getNodeWebhookUrl('default') as string;
		const registered = this.getWorkflowStaticData('node')[url] as Registered | undefined;
		const request = this.getRequestObject();
		if (registered && isGenuine(registered.secret, request.headers, request.rawBody)) {
			return { workflowData: [this.helpers.returnJsonArray(this.getBodyData())] };
		}
		this.getResponseObject().status(401).json({ message: 'The signature is wrong' });
		return { noWebhookResponse: true };
	}
}
