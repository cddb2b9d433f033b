import type {
	IDataObject,
	IExecuteFunctions,
	IHookFunctions,
	IHttpRequestMethods,
	IHttpRequestOptions,
} from 'n8n-workflow';
import { NodeApiError } from 'n8n-workflow';

interface Call {
	body?: IDataObject;
	qs?: IDataObject;
	/** Makes a repeated request be answered as the first one was. */
	idempotencyKey?: string;
	itemIndex?: number;
	mayBeGone?: boolean;
}

const LARGEST_PAGE = 500;

/** Return what smsgate answers. Raises NodeApiError with its own words. */
export async function call(
	context: IExecuteFunctions | IHookFunctions,
	method: IHttpRequestMethods,
	path: string,
	{ body, qs, idempotencyKey, itemIndex, mayBeGone }: Call = {},
): Promise<IDataObject> {
	const { url } = await context.getCredentials<{ url: string }>('smsgateApi', itemIndex);
	const request: IHttpRequestOptions = {
		method,
		url: url.replace(/\/+$/, '') + path,
		body,
		qs,
		headers: idempotencyKey ? { 'Idempotency-Key': idempotencyKey } : {},
		json: true,
		returnFullResponse: true,
		ignoreHttpStatusErrors: true, // n8n would show its own words for the status
	};
	const answer = await context.helpers.httpRequestWithAuthentication.call(
		context,
		'smsgateApi',
		request,
	);
	const { statusCode, body: told } = answer;
	if (statusCode === 204 || (mayBeGone && statusCode === 404)) return {};
	const isOurs = typeof told === 'object' && told !== null;
	if (isOurs && statusCode < 400) return told;
	const { message, code } = isOurs ? told : { message: 'This URL is not answered by a smsgate' };
	throw new NodeApiError(context.getNode(), { message, code }, {
		message,
		description: code,
		httpCode: String(statusCode),
		itemIndex,
	});
}

/** Return up to so many entries of a list, page by page. */
export async function list(
	context: IExecuteFunctions,
	path: string,
	filters: IDataObject,
	limit: number,
	itemIndex: number,
): Promise<IDataObject[]> {
	const found: IDataObject[] = [];
	let cursor: string | null = '';
	while (cursor !== null && found.length < limit) {
		const page = Math.min(LARGEST_PAGE, limit - found.length);
		const qs: IDataObject = { ...filters, limit: page, ...(cursor ? { cursor } : {}) };
		const answer = await call(context, 'GET', path, { qs, itemIndex });
		found.push(...(answer.results as IDataObject[]));
		cursor = answer.next ? new URL(answer.next as string).searchParams.get('cursor') : null;
	}
	return found;
}
