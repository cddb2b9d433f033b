import { createHash, randomUUID } from 'node:crypto';
import type { IExecuteFunctions } from 'n8n-workflow';

/**
 * Return a name for this step's work on one item (or one batch): the same at each try of *Retry on
 * Fail*, another in every other run, node, execution and n8n. Execution ids alone begin at 1 again in
 * a new database, while smsgate remembers an `external_id` for ever.
 */
export function once(context: IExecuteFunctions, part: number | string): string {
	const place = [
		context.getInstanceId(),
		context.getWorkflow().id,
		context.getExecutionId() ?? randomUUID(),
		context.getNode().name,
		context.getWorkflowDataProxy(0).$runIndex,
		part,
	];
	return `n8n-${createHash('sha256').update(JSON.stringify(place)).digest('hex').slice(0, 40)}`;
}
