import type {
	IExecuteFunctions,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
} from 'n8n-workflow';
import { NodeApiError, NodeConnectionTypes } from 'n8n-workflow';
import { perform, sendMany } from './operations';
import { properties } from './properties';

export class Smsgate implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'smsgate',
		name: 'smsgate',
		icon: { light: 'file:../../icons/smsgate.svg', dark: 'file:../../icons/smsgate.dark.svg' },
		group: ['output'],
		version: 1,
		subtitle: '={{$parameter["operation"] + ": " + $parameter["resource"]}}',
		description: 'Send SMS through your own phones, and see what became of them',
		defaults: { name: 'smsgate' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'smsgateApi', required: true }],
		usableAsTool: true,
		properties,
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		if (this.getNodeParameter('operation', 0) === 'sendMany') return [await sendMany(this)];
		const told: INodeExecutionData[] = [];
		for (let index = 0; index < this.getInputData().length; index++) {
			try {
				told.push(...(await perform(this, index)));
			} catch (error) {
				if (!this.continueOnFail()) throw new NodeApiError(this.getNode(), error, { itemIndex: index });
				told.push({ json: { error: error.message }, pairedItem: { item: index } });
			}
		}
		return [told];
	}
}
